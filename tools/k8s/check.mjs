// Checks what an overlay renders: `./dev k8s check` calls it.
//   node tools/k8s/check.mjs NAME RENDERED --bin=FOLDER --neighbours=FILE [--secrets=FILE]
// A line for each thing that is wrong, and then exit code 1.
import { parseArgs } from "node:util";
import { readObjects } from "./cluster.mjs";
import { checkRules } from "./rules.mjs";
import { checkSchemas } from "./schemas.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { bin: { type: "string" }, neighbours: { type: "string" }, secrets: { type: "string" } },
});
const [name, rendered] = positionals;
try {
  const objects = readObjects(rendered);
  const beside = [values.neighbours, values.secrets].filter((file) => file).flatMap(readObjects);
  const wrong = [...(await checkSchemas(objects)), ...checkRules({ objects, neighbours: beside, bin: values.bin })];
  for (const line of new Set(wrong)) console.error(`${name}: ${line}`);
  if (wrong.length > 0) process.exitCode = 1;
  else console.log(`${name}: ${objects.length} objects, nothing is wrong`);
} catch (error) {
  console.error(`${name}: ${error.message.split("\n")[0]}`);
  process.exitCode = 1;
}
