// The npm package etcd3 against a server: NODE_PATH=.../node_modules node npm_etcd3.js PORT. Prints "all passed" at the end, or dies at what is wrong.
const assert = require('assert');
const { Etcd3 } = require('etcd3');

async function main() {
  const client = new Etcd3({ hosts: `http://127.0.0.1:${process.argv[2]}` });

  // keys
  await client.delete().prefix('/js/');
  await client.put('/js/a').value('one');
  assert.strictEqual(await client.get('/js/a').string(), 'one');
  await client.put('/js/b').value('two');
  assert.deepStrictEqual(await client.getAll().prefix('/js/').strings(), { '/js/a': 'one', '/js/b': 'two' });
  assert.deepStrictEqual(await client.getAll().prefix('/js/').sort('Key', 'Descend').keys(), ['/js/b', '/js/a']);
  assert.strictEqual(await client.getAll().prefix('/js/').count(), 2);

  // transactions
  const done = await client.if('/js/a', 'Value', '==', 'one').then(client.put('/js/c').value('three')).else(client.put('/js/c').value('no')).commit();
  assert.strictEqual(done.succeeded, true);
  assert.strictEqual(await client.get('/js/c').string(), 'three');
  await client.stm().transact(async tx => {
    await tx.put('/js/c').value((await tx.get('/js/c').string()) + '!');
  });
  assert.strictEqual(await client.get('/js/c').string(), 'three!');

  // watch
  const watcher = await client.watch().prefix('/js/w').create();
  const changes = [];
  const two = new Promise(resolve => {
    const note = kind => kv => { changes.push(`${kind} ${kv.key}`); if (changes.length === 2) resolve(); };
    watcher.on('put', note('put')).on('delete', note('delete'));
  });
  await client.put('/js/w1').value('x');
  await client.delete().key('/js/w1');
  await two;
  assert.deepStrictEqual(changes, ['put /js/w1', 'delete /js/w1']);
  await watcher.cancel();

  // leases
  const lease = client.lease(600, { autoKeepAlive: false });
  await lease.put('/js/leased').value('x');
  await lease.keepaliveOnce();
  await lease.revoke();
  assert.strictEqual(await client.get('/js/leased').string(), null);

  // locks and elections
  const lock = client.lock('/js/job');
  await lock.acquire();
  await assert.rejects(client.lock('/js/job').acquire());
  await lock.release();
  const election = client.election('/js/boss');
  const campaign = election.campaign('me');
  await new Promise((resolve, reject) => campaign.on('elected', resolve).on('error', reject));
  assert.strictEqual(await election.leader(), 'me');
  await campaign.proclaim('still me');
  assert.strictEqual(await election.leader(), 'still me');
  await campaign.resign();

  // the cluster and its upkeep
  assert.ok((await client.cluster.memberList({})).members.length > 0);
  assert.ok((await client.maintenance.status({})).version.startsWith('3.'));
  assert.deepStrictEqual((await client.maintenance.alarm({ action: 'Get' })).alarms, []);
  await client.maintenance.defragment({});
  const snapshot = await client.maintenance.snapshot({});
  let bytes = 0;
  await new Promise((resolve, reject) => snapshot.on('data', part => { bytes += part.blob.length; }).on('end', resolve).on('error', reject));
  assert.strictEqual(bytes % 512, 32);
  await client.delete().prefix('/js/');
  assert.strictEqual(await client.getAll().prefix('/js/').count(), 0);
  client.close();
  console.log('all passed');
}

main().catch(fault => { console.error(fault); process.exit(1); });
