// What the scripts of Redis clients share: the nodes as they are named in the arguments (ports, then process ids, with commas between), waiting for a condition, and writers that remember what was acknowledged.
const assert = require('node:assert/strict');

const ports = process.argv[2].split(',').map(Number);
const pids = (process.argv[3] ?? '').split(',').map(Number);
const nodes = ports.map(port => ({ host: '127.0.0.1', port }));

/** kill -9 of a node. */
const kill = node => process.kill(pids[node], 'SIGKILL');

/** Waits until something holds; whoever waits in vain says what for. */
const until = async (holds, what) => {
    for (const end = Date.now() + 240000; !await holds();) {
        assert.ok(Date.now() < end, `waited in vain: ${typeof what === 'function' ? what() : what}`);
        await new Promise(done => setTimeout(done, 20));
    }
};

/** A promise that must be kept in time. */
const soon = (promise, what) => new Promise((done, fail) => {
    const timer = setTimeout(() => fail(new Error(`waited in vain: ${what}`)), 240000);
    promise.then(done, fail).finally(() => clearTimeout(timer));
});

/** A promise that must be refused with an error that says so. */
const refused = async (promise, text) => {
    const error = await promise.then(() => assert.fail(`was not refused: ${text}`), failure => failure);
    assert.ok(error.message.includes(text), `"${error.message}" does not say "${text}"`);
};

/** Four writers, each with keys of its own in all shards, that write numbers which rise and remember what was acknowledged. */
class Writers {
    constructor(set) {
        this.isStopping = false;
        this.keys = new Map();
        this.acknowledged = [0, 0, 0, 0];
        this.running = this.acknowledged.map(async (_, writer) => {
            for (let number = 1; !this.isStopping; number++) {
                const key = `w${writer}:${number % 40}`;
                this.keys.set(key, { acknowledged: this.keys.get(key)?.acknowledged ?? 0, tried: number });
                try {
                    await set(key, `${number}`);
                    this.keys.get(key).acknowledged = number;
                    this.acknowledged[writer]++;
                } catch {
                    // Nobody knows what became of it: it may be found, or not.
                    await new Promise(done => setTimeout(done, 20));
                }
            }
        });
    }

    /** Every writer has so many writes acknowledged. */
    each(count) {
        return until(() => Math.min(...this.acknowledged) >= count, `only ${this.acknowledged} writes were acknowledged`);
    }

    /** A key holds what was acknowledged last, or something that was tried after it. */
    async check(get) {
        this.isStopping = true;
        await Promise.all(this.running);
        for (const [key, { acknowledged, tried }] of this.keys) {
            const found = Number(await get(key) ?? 0);
            assert.ok(found >= acknowledged && found <= tried, `${key} holds ${found}; ${acknowledged} was acknowledged and ${tried} tried`);
        }
    }
}

/** Runs scenes one after the other and ends the process; "all passed" is the last line when nothing failed. */
const play = async scenes => {
    for (const scene of scenes) {
        try {
            await scene();
        } catch (error) {
            console.log(`${scene.name} failed: ${error.stack}`);
            process.exit(1);
        }
    }

    process.stdout.write('all passed\n', () => process.exit(0));
};

module.exports = { assert, ports, nodes, kill, until, soon, refused, Writers, play };
