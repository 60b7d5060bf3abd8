// npm's hnswlib-node on one data set: build, then queries per CPU-second of its one thread at rising ef. Prints rows as Holdfast.VectorBench does.
// usage: node hnswlib.mjs FOLDER NAME NODE_MODULES
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
const [folder, name, modules] = process.argv.slice(2);
const hnswlib = createRequire(import.meta.url)(path.resolve(modules, 'hnswlib-node'));
const [rows, queries, dims, distance] = fs.readFileSync(path.join(folder, `${name}.meta`), 'utf8').trim().split(' ');
const floats = kind => { const bytes = fs.readFileSync(path.join(folder, `${name}.${kind}.f32`)); return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4); };
const truthBytes = fs.readFileSync(path.join(folder, `${name}.truth.i32`));
const truth = new Int32Array(truthBytes.buffer, truthBytes.byteOffset, truthBytes.length / 4);
const cut = all => Array.from({ length: all.length / dims }, (_, row) => Array.from(all.subarray(row * dims, (row + 1) * dims)));
const [base, asked] = [cut(floats('base')), cut(floats('query'))];
const cpu = () => { const used = process.cpuUsage(); return (used.user + used.system) / 1e6; };

const index = new hnswlib.HierarchicalNSW(distance === 'cosine' ? 'ip' : 'l2', Number(dims));
index.initIndex(Number(rows), 16, 200, 100);
let before = cpu();
for (let row = 0; row < base.length; row++) index.addPoint(base[row], row);
console.log(`hnswlib-node ${name} build-cpu-s ${(cpu() - before).toFixed(1)}`);
index.setEf(32);
for (before = cpu(); cpu() - before < 2;) asked.forEach(query => index.searchKnn(query, 10));
for (const ef of [10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512]) {
    index.setEf(ef);
    let best = 0, hits = 0;
    for (let repeat = 0; repeat < 3; repeat++) {
        hits = 0;
        before = cpu();
        const answers = asked.map(query => index.searchKnn(query, 10).neighbors);
        best = Math.max(best, asked.length / (cpu() - before));
        answers.forEach((found, query) => { for (const row of found) if (truth.subarray(query * 10, query * 10 + 10).includes(row)) hits++; });
    }
    const recall = hits / (asked.length * 10);
    console.log(`hnswlib-node ${name} ef ${ef} recall ${recall.toFixed(4)} queries/cpu-s ${Math.round(best)}`);
    if (recall > 0.995) break;
}
