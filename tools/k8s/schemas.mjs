// Objects against the schemas of Kubernetes and of the Prometheus operator, as the packages kubernetes-models and
// @kubernetes-models/prometheus-operator have them. These pass over fields that they do not know, which a cluster drops: a misspelt limit would
// be no limit. The types of the same packages know all fields, so a second pass asks the compiler of TypeScript about the same object.
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";
import ts from "typescript";
import { nameOf } from "./cluster.mjs";

const require = createRequire(import.meta.url);

// {module, type} of an object; undefined for what neither package has.
function modelOf({ apiVersion = "", kind = "" }) {
  const [group, version] = apiVersion.includes("/") ? apiVersion.split("/") : ["", apiVersion];
  const packages = group.endsWith(".coreos.com") ? "@kubernetes-models/prometheus-operator" : "kubernetes-models";
  const module = [packages, group, version, kind].filter((part) => part !== "").join("/");
  try {
    require.resolve(module);
    return { module, type: `I${kind}` };
  } catch {
    return undefined;
  }
}

// What is wrong, a line for each.
export async function checkSchemas(objects) {
  const wrong = [];
  const known = [];
  for (const object of objects) {
    const model = modelOf(object);
    if (model === undefined) {
      wrong.push(`${nameOf(object)}: there is no ${object.kind} in ${object.apiVersion}`);
      continue;
    }
    known.push({ object, ...model });
    const { [object.kind]: Model } = await import(model.module);
    try {
      new Model(object).validate();
    } catch (error) {
      for (const { instancePath = "", message } of error.errors ?? [{ message: error.message }]) {
        wrong.push(`${nameOf(object)}: ${pathOf(instancePath.split("/").slice(1))} ${message}`);
      }
    }
  }
  return [...wrong, ...unknownFields(known)];
}

const pathOf = (parts) => parts.map((part) => (/^\d+$/.test(part) ? `[${part}]` : `.${part}`)).join("").replace(/^\./, "") || "it";

// Fields that the types do not have, by way of a source that assigns each object to its type, one key a line.
function unknownFields(known) {
  const lines = [];
  const places = [];  // by line: of which object, and the path of its key
  const write = (text, place) => {
    lines.push(text);
    places.push(place);
  };
  const literal = (value, place, end) => {
    if (Array.isArray(value)) {
      write("[", place);
      value.forEach((one, i) => literal(one, { ...place, path: [...place.path, String(i)] }, ","));
      write(`]${end}`, place);
    } else if (value !== null && typeof value === "object") {
      write("{", place);
      for (const [key, one] of Object.entries(value)) {
        const inner = { ...place, path: [...place.path, key] };
        write(`${JSON.stringify(key)}:`, inner);
        literal(one, inner, ",");
      }
      write(`}${end}`, place);
    } else {
      write(`${JSON.stringify(value)}${end}`, place);
    }
  };
  known.forEach(({ object, module, type }, i) => {
    write(`const o${i}: import("${module}").${type} =`, { object, path: [] });
    literal(object, { object, path: [] }, ";");
  });
  // Beside this file, from where the packages are found.
  const file = path.join(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), "objects.ts");
  const options = { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext, noEmit: true, skipLibCheck: true, types: [], strict: true };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  const source = lines.join("\n");
  host.getSourceFile = (name, ...rest) => (name === file ? ts.createSourceFile(name, source, ts.ScriptTarget.ESNext) : getSourceFile(name, ...rest));
  host.fileExists = (name) => name === file || fileExists(name);
  host.readFile = (name) => (name === file ? source : readFile(name));
  const found = ts.createProgram([file], options, host).getSemanticDiagnostics();
  return found
    .filter((one) => one.file?.fileName === file)
    .map((one) => {
      const { object, path: at } = places[one.file.getLineAndCharacterOfPosition(one.start).line];
      const message = ts.flattenDiagnosticMessageText(one.messageText, "\n").split("\n").at(-1).trim();
      const unknown = message.match(/'"?([^'"]+)"?' does not exist in type/);
      return `${nameOf(object)}: ${pathOf(at)} ${unknown ? "is no field that Kubernetes knows" : `does not fit: ${message}`}`;
    });
}
