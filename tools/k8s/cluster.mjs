// What a set of manifests says would run: its objects, the pods that come of them, and who selects whom.
import fs from "node:fs";
import YAML from "yaml";

// All objects of a file of YAML; what Secrets hold is in stringData, however it was written. Throws a one-line Error for what is no YAML.
export function readObjects(path) {
  const documents = YAML.parseAllDocuments(fs.readFileSync(path, "utf8"));
  return documents.flatMap((document) => {
    if (document.errors.length > 0) throw new Error(`${path}: ${document.errors[0].message.split("\n")[0]}`);
    const object = document.toJS();
    if (object?.kind === "Secret") {
      const decoded = Object.entries(object.data ?? {}).map(([key, value]) => [key, Buffer.from(value, "base64").toString()]);
      object.stringData = { ...Object.fromEntries(decoded), ...object.stringData };
      delete object.data;
    }
    return object === null || object === undefined ? [] : [object];
  });
}

// The binary of a container: the last word of its image, whatever the registry, the tag or the digest.
export const binaryOf = (container) => container.image.split("@")[0].split("/").at(-1).split(":")[0];

export const nameOf = (object) => `${object.kind}/${object.metadata?.name ?? "?"}`;
export const namespaceOf = (object) => object.metadata?.namespace ?? "default";

// A LabelSelector, which selects all when it is empty.
export function selects(selector, labels = {}) {
  for (const [key, value] of Object.entries(selector?.matchLabels ?? {})) {
    if (labels[key] !== value) return false;
  }
  for (const { key, operator, values = [] } of selector?.matchExpressions ?? []) {
    const has = key in labels;
    const good = { In: has && values.includes(labels[key]), NotIn: !has || !values.includes(labels[key]), Exists: has, DoesNotExist: !has };
    if (!good[operator]) return false;
  }
  return true;
}

// The templates of pods in `objects`: {owner, namespace, labels, spec, annotations}. A bare Pod is one as well.
export function podsOf(objects) {
  return objects.flatMap((owner) => {
    if (owner.kind === "Pod") return [{ owner, namespace: namespaceOf(owner), labels: owner.metadata.labels ?? {}, spec: owner.spec }];
    const template = owner.spec?.template;
    if (!["Deployment", "Job", "StatefulSet", "DaemonSet"].includes(owner.kind) || template === undefined) return [];
    return [{ owner, namespace: namespaceOf(owner), labels: template.metadata?.labels ?? {}, spec: template.spec }];
  });
}

export const find = (objects, kind, namespace, name) =>
  objects.find((object) => object.kind === kind && namespaceOf(object) === namespace && object.metadata?.name === name);

// The labels of a namespace, with the one that every cluster gives it.
export function labelsOfNamespace(objects, name) {
  const object = objects.find((one) => one.kind === "Namespace" && one.metadata.name === name);
  return { ...object?.metadata.labels, "kubernetes.io/metadata.name": name };
}

// Whether a peer of a NetworkPolicy in `namespace` is `pod`.
export function isPeer(objects, namespace, peer, pod) {
  if (peer.ipBlock !== undefined) return false;
  const at_home = pod.namespace === namespace;
  const in_namespace =
    peer.namespaceSelector === undefined ? at_home : selects(peer.namespaceSelector, labelsOfNamespace(objects, pod.namespace));
  return in_namespace && (peer.podSelector === undefined || selects(peer.podSelector, pod.labels));
}

// The number of a port of `pod` that is given by name or number; undefined when none of its containers serves it.
export function portOf(pod, port, protocol = "TCP") {
  const ports = pod.spec.containers.flatMap((container) => container.ports ?? []).filter((one) => (one.protocol ?? "TCP") === protocol);
  return ports.find((one) => one.name === port || one.containerPort === port)?.containerPort;
}

const keysOf = (object) => Object.keys({ ...object.data, ...object.stringData, ...object.binaryData });

// The keys of a ConfigMap or Secret; undefined when there is none of that name.
export function keysOfSource(objects, kind, namespace, name) {
  const object = find(objects, kind, namespace, name);
  return object === undefined ? undefined : keysOf(object);
}

// The environment of a container as {NAME: value}, and what its args are once $(NAME) is put in. Unknown names stay as they are, as
// Kubernetes leaves them.
export function environmentOf(objects, pod, container) {
  const environment = {};
  for (const { name, value, valueFrom } of container.env ?? []) {
    const ref = valueFrom?.configMapKeyRef ?? valueFrom?.secretKeyRef;
    const source = ref && find(objects, valueFrom.configMapKeyRef ? "ConfigMap" : "Secret", pod.namespace, ref.name);
    environment[name] = ref ? ({ ...source?.data, ...source?.stringData }[ref.key] ?? "") : expand(value ?? "", environment);
  }
  return environment;
}

export const expand = (text, environment) => text.replace(/\$\(([A-Za-z_][A-Za-z0-9_]*)\)/g, (all, name) => environment[name] ?? all);

export const argumentsOf = (objects, pod, container) => {
  const environment = environmentOf(objects, pod, container);
  return [...(container.command ?? []), ...(container.args ?? [])].map((word) => expand(word, environment));
};
