// npm's bullmq, which is Lua through and through, over ioredis in cluster mode against three nodes of Holdfast: redis_cluster.js says what the arguments are. NODE_PATH names the folder of the module. Ends with "all passed".
const { Queue, Worker, QueueEvents, FlowProducer } = require('bullmq');
const Redis = require('ioredis');
const slotOf = require('cluster-key-slot');
const { assert, ports, nodes, kill, until, soon, play } = require('./redis_cluster.js');

const prefix = '{bull}';
const connect = () => new Redis.Cluster(nodes, { slotsRefreshTimeout: 5000, redisOptions: { maxRetriesPerRequest: null } });
const quiet = emitter => emitter.on('error', () => { /* Said by every connection to a node that was killed. */ });
const opened = [];
const use = (Kind, name, ...rest) => {
    const options = { connection: connect(), prefix, ...(rest.pop() ?? {}) };
    opened.push(quiet(new Kind(name, ...rest, options)));
    return opened.at(-1);
};
const done = (events, jobs) => Promise.all(jobs.map(job => soon(job.waitUntilFinished(events), `job ${job.id} of ${job.queueName}`)));

async function jobs() {
    const [queue, events] = [use(Queue, 'plain', {}), use(QueueEvents, 'plain', {})];
    await events.waitUntilReady();
    const worker = use(Worker, 'plain', async job => {
        await job.updateProgress(50);
        await job.log(`working on ${job.name}`);
        return job.data.number * 2;
    }, { concurrency: 5 });
    const progress = [];
    events.on('progress', ({ jobId }) => progress.push(jobId));
    const one = await queue.add('one', { number: 21 });
    const many = await queue.addBulk([...Array(40).keys()].map(number => ({ name: 'many', data: { number } })));
    assert.equal(await soon(one.waitUntilFinished(events), 'the first job'), 42);
    assert.deepEqual(await done(events, many), many.map(job => job.data.number * 2));
    const delayed = await queue.add('later', { number: 1 }, { delay: 300 });
    assert.equal(await delayed.getState(), 'delayed');
    assert.equal(await soon(delayed.waitUntilFinished(events), 'the delayed job'), 2);
    assert.deepEqual((await queue.getJobLogs(one.id)).logs, ['working on one']);
    assert.ok(progress.includes(one.id));
    assert.equal((await queue.getJobCounts('completed')).completed, 42);
    const same = await Promise.all([1, 2, 3].map(() => queue.add('once', { number: 4 }, { jobId: 'only' })));
    await done(events, same.slice(0, 1));
    assert.equal((await queue.getJobCounts('completed')).completed, 43);
    assert.equal((await queue.getCompleted()).length, 43);
    await worker.close();
    await queue.obliterate({ force: true });
    assert.equal(await queue.getJobCountByTypes('completed', 'wait', 'delayed', 'failed'), 0);
}

async function order() {
    const [queue, events] = [use(Queue, 'order', {}), use(QueueEvents, 'order', {})];
    await events.waitUntilReady();
    await queue.pause();
    const added = [];
    for (const priority of [3, 1, 2, 1]) added.push(await queue.add(`p${priority}`, {}, { priority }));
    added.push(await queue.add('first', {}));
    assert.deepEqual(await queue.getCountsPerPriority([1, 2, 3]), { 1: 2, 2: 1, 3: 1 });
    const seen = [];
    use(Worker, 'order', async job => seen.push(job.name), { concurrency: 1 });
    await queue.resume();
    await done(events, added);
    assert.deepEqual(seen, ['first', 'p1', 'p1', 'p2', 'p3']);
}

async function retries() {
    const [queue, events] = [use(Queue, 'retries', {}), use(QueueEvents, 'retries', {})];
    await events.waitUntilReady();
    const tries = new Map();
    use(Worker, 'retries', async job => {
        tries.set(job.name, (tries.get(job.name) ?? 0) + 1);
        if (job.name === 'hopeless' || tries.get(job.name) < 3) throw new Error(`no luck with ${job.name}`);
        return 'at last';
    }, {});
    const lucky = await queue.add('lucky', {}, { attempts: 5, backoff: { type: 'exponential', delay: 20 } });
    const hopeless = await queue.add('hopeless', {}, { attempts: 2, backoff: 20 });
    assert.equal(await soon(lucky.waitUntilFinished(events), 'the job that is tried again'), 'at last');
    assert.match((await hopeless.waitUntilFinished(events).catch(error => error)).message, /no luck/);
    assert.deepEqual([tries.get('lucky'), tries.get('hopeless')], [3, 2]);
    assert.equal((await queue.getJobCounts('failed')).failed, 1);
    await (await queue.getJob(hopeless.id)).retry();
    await until(() => tries.get('hopeless') === 3, 'the failed job to be tried once more');
}

async function repeats() {
    const queue = use(Queue, 'repeats', {});
    const ticks = [];
    use(Worker, 'repeats', async job => ticks.push(job.id), {});
    await queue.upsertJobScheduler('tick', { every: 150 }, { name: 'tick' });
    await until(() => ticks.length >= 4, 'four ticks');
    assert.equal((await queue.getJobSchedulers()).length, 1);
    assert.equal(await queue.removeJobScheduler('tick'), true);
    assert.equal(new Set(ticks).size, ticks.length, 'a tick twice');
}

async function flows() {
    const events = use(QueueEvents, 'flows', {});
    await events.waitUntilReady();
    use(Worker, 'flows', async job => job.name === 'parent' ? Object.values(await job.getChildrenValues()).reduce((sum, value) => sum + value, 0) : job.data.value, { concurrency: 3 });
    const producer = quiet(new FlowProducer({ connection: connect(), prefix }));
    opened.push(producer);
    const flow = await producer.add({ name: 'parent', queueName: 'flows', data: {}, children: [...Array(12).keys()].map(value => ({ name: 'child', queueName: 'flows', data: { value } })) });
    assert.equal(await soon(flow.job.waitUntilFinished(events), 'the parent'), 66);
}

async function limits() {
    const [queue, events] = [use(Queue, 'limits', {}), use(QueueEvents, 'limits', {})];
    await events.waitUntilReady();
    use(Worker, 'limits', async () => 'done', { concurrency: 10, limiter: { max: 2, duration: 200 } });
    await done(events, await queue.addBulk([...Array(7).keys()].map(number => ({ name: 'limited', data: { number } }))));
    assert.equal((await queue.getJobCounts('completed')).completed, 7);
}

async function killed() {
    const count = 400;
    const queue = use(Queue, 'killed', {});
    const worked = new Map();
    for (let i = 0; i < 2; i++)
        use(Worker, 'killed', async job => {
            await new Promise(finish => setTimeout(finish, 5));
            worked.set(job.data.number, (worked.get(job.data.number) ?? 0) + 1);
        }, { concurrency: 4, stalledInterval: 1000, lockDuration: 2000, maxStalledCount: 1000 });
    await queue.waitUntilReady();
    const leader = ports.indexOf(Number(queue.opts.connection.slots[slotOf(`${prefix}:killed`)][0].split(':')[1]));
    const add = async number => {
        // Under an id of its own a job that was added twice is added once.
        for (let isAdded = false; !isAdded;) isAdded = await queue.add('job', { number }, { jobId: `job-${number}`, attempts: 1000, backoff: 50 }).then(() => true, () => new Promise(again => setTimeout(() => again(false), 50)));
    };
    for (let number = 0; number < count; number++) {
        await add(number);
        if (number === count / 4) kill(leader);
    }

    await until(() => worked.size === count, `only ${worked.size} of ${count} jobs were done at least once`);
    await until(() => queue.getJobCounts('completed', 'failed', 'active', 'wait', 'delayed').then(counts => counts.completed === count && counts.failed + counts.active + counts.wait + counts.delayed === 0, () => false), 'every job to be completed');
}

play([jobs, order, retries, repeats, flows, limits, killed]);
