"""Debian's python3-etcd3 against a server: python3 python_etcd3.py PORT. Prints "all passed" at the end, or dies at what is wrong."""
import io
import sys
import threading

import etcd3

client = etcd3.client(port=int(sys.argv[1]))

# keys
client.delete_prefix('/py/')
client.put('/py/a', 'one')
value, meta = client.get('/py/a')
assert value == b'one' and meta.version == 1, (value, meta)
assert client.put('/py/a', 'two', prev_kv=True).prev_kv.value == b'one'
client.put('/py/b', 'three')
assert [v for v, _ in client.get_prefix('/py/')] == [b'two', b'three']
assert [v for v, _ in client.get_prefix('/py/', sort_order='descend', sort_target='key')] == [b'three', b'two']
assert [v for v, _ in client.get_range('/py/a', '/py/b')] == [b'two']
assert client.put_if_not_exists('/py/a', 'no') is False
assert client.replace('/py/a', 'two', 'four') is True
assert client.get('/py/a')[0] == b'four'

# transactions
done, responses = client.transaction(
    compare=[client.transactions.value('/py/a') == 'four', client.transactions.version('/py/b') > 0],
    success=[client.transactions.put('/py/c', 'five'), client.transactions.get('/py/c')],
    failure=[client.transactions.delete('/py/a')])
assert done and responses[1][0][0] == b'five', responses

# watch: what follows, and history
events = []
seen = threading.Event()
def note(response):
    events.extend(response.events)
    if len(events) >= 2:
        seen.set()
watch = client.add_watch_prefix_callback('/py/w', note)
client.put('/py/w1', 'x')
client.delete('/py/w1')
assert seen.wait(60), events
assert [type(e).__name__ for e in events] == ['PutEvent', 'DeleteEvent'], events
client.cancel_watch(watch)

# leases
lease = client.lease(600)
client.put('/py/leased', 'x', lease)
assert 590 <= lease.remaining_ttl <= 600, lease.remaining_ttl
assert list(lease.keys) == [b'/py/leased'], lease.keys
assert [r.TTL for r in lease.refresh()] == [600]
lease.revoke()
assert client.get('/py/leased')[0] is None

# locks
with client.lock('job', ttl=60) as lock:
    assert lock.is_acquired()

# the cluster and its upkeep
assert [m.name for m in client.members] != []
status = client.status()
assert status.version.startswith('3.') and status.leader is not None, status.version
assert list(client.list_alarms()) == []
client.defragment()
assert client.hash() > 0
saved = io.BytesIO()
client.snapshot(saved)
assert len(saved.getvalue()) % 512 == 32
revision = client.get('/py/a')[1].response_header.revision
client.compact(revision, physical=True)
assert client.delete('/py/a') is True and client.delete('/py/a') is False
client.delete_prefix('/py/')
assert list(client.get_prefix('/py/')) == []
print('all passed')
