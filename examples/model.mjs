// Runs a loss as an ONNX model outside Python: node model.mjs huber.onnx '{"prediction": [[0, 3], [2]], ...}'
// (each tensor: its flat values and its shape). Needs `npm install onnxruntime-node`.
import { createRequire } from "node:module";
import { resolve } from "node:path";

const [file, text, modules = "."] = process.argv.slice(2);
const ort = createRequire(resolve(modules, "_"))("onnxruntime-node");
const session = await ort.InferenceSession.create(file);

const feeds = {};
for (const [name, [values, shape]] of Object.entries(JSON.parse(text))) {
  const { type } = session.inputMetadata.find((each) => each.name === name);
  feeds[name] = type === "int64"
    ? new ort.Tensor("int64", BigInt64Array.from(values, BigInt), shape)
    : new ort.Tensor("float32", Float32Array.from(values), shape);
}
const outputs = await session.run(feeds);
const found = Object.entries(outputs).map(([name, { data, dims }]) => [name, [Array.from(data, Number), dims]]);
console.log(JSON.stringify(Object.fromEntries(found)));
