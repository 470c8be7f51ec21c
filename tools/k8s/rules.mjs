// Where schemas are silent: what one object says of another, and of the binaries. Every rule gives a line for each thing that is wrong.
import { spawnSync } from "node:child_process";
import path from "node:path";
import {
  argumentsOf, binaryOf, environmentOf, expand, find, isPeer, keysOfSource, nameOf, namespaceOf, podsOf, portOf, selects,
} from "./cluster.mjs";

// {objects, neighbours, all, pods, all_pods, bin}: what is rendered, what stands beside it in the cluster, and both; where the binaries are.
export function checkRules({ objects, neighbours, bin }) {
  const all = [...objects, ...neighbours];
  const cluster = { objects, all, pods: podsOf(objects), all_pods: podsOf(all), flags: new Map(), bin };
  return RULES.flatMap((rule) => [...rule(cluster)]);
}

const CLUSTER_WIDE = new Set(["Namespace", "PriorityClass"]);

function* namesAreGivenOnce({ objects }) {
  const seen = new Set();
  for (const object of objects) {
    const key = `${object.apiVersion} ${object.kind} ${CLUSTER_WIDE.has(object.kind) ? "" : namespaceOf(object)} ${object.metadata.name}`;
    if (seen.has(key)) yield `${nameOf(object)}: there are two of that name`;
    seen.add(key);
  }
}

function* namespacesExist({ objects, all }) {
  for (const object of objects) {
    const there = all.some((one) => one.kind === "Namespace" && one.metadata.name === namespaceOf(object));
    if (!there && !CLUSTER_WIDE.has(object.kind)) yield `${nameOf(object)}: its namespace '${namespaceOf(object)}' is not there`;
  }
}

const describe = (selector) => JSON.stringify({ ...selector?.matchLabels, ...(selector?.matchExpressions ? { in: selector.matchExpressions } : {}) });

function* selectorsFindTheirPods({ objects, pods, all_pods, all }) {
  const at_home = (object, selector) => pods.filter((pod) => pod.namespace === namespaceOf(object) && selects(selector, pod.labels));
  for (const object of objects) {
    const none = (what, selector) => `${nameOf(object)}: ${what} finds no pod: ${describe(selector)}`;
    if (object.kind === "Service") {
      const selector = { matchLabels: object.spec.selector };
      if (at_home(object, selector).length === 0) yield none("its selector", selector);
    }
    if (object.kind === "Deployment") {
      const { selector, template } = object.spec;
      if (!selects(selector, template.metadata?.labels)) yield none("its selector", selector);
      for (const constraint of template.spec.topologySpreadConstraints ?? []) {
        if (!selects(constraint.labelSelector, template.metadata?.labels)) yield none("a topologySpreadConstraint", constraint.labelSelector);
      }
    }
    if (object.kind === "PodDisruptionBudget" && at_home(object, object.spec.selector).length === 0) yield none("its selector", object.spec.selector);
    if (object.kind === "HorizontalPodAutoscaler") {
      const { kind, name } = object.spec.scaleTargetRef;
      const target = find(objects, kind, namespaceOf(object), name);
      if (target === undefined) yield `${nameOf(object)}: there is no ${kind}/${name} to scale`;
      else if (target.spec.replicas !== undefined) yield `${nameOf(target)}: replicas, which ${nameOf(object)} decides: every apply would undo it`;
    }
    if (object.kind === "ServiceMonitor") {
      const services = objects.filter((one) => one.kind === "Service" && selects(object.spec.selector, one.metadata.labels));
      if (services.length === 0) yield `${nameOf(object)}: its selector finds no Service: ${describe(object.spec.selector)}`;
      for (const { port } of object.spec.endpoints) {
        for (const service of services) {
          if (!service.spec.ports.some((one) => one.name === port)) yield `${nameOf(object)}: ${nameOf(service)} has no port '${port}'`;
        }
      }
    }
    if (object.kind === "NetworkPolicy") {
      if (all_pods.filter((pod) => pod.namespace === namespaceOf(object) && selects(object.spec.podSelector, pod.labels)).length === 0) {
        yield none("its podSelector", object.spec.podSelector);
      }
      for (const [direction, key] of [["ingress", "from"], ["egress", "to"]]) {
        for (const rule of object.spec[direction] ?? []) {
          for (const peer of rule[key] ?? []) {
            if (peer.ipBlock === undefined && !all_pods.some((pod) => isPeer(all, namespaceOf(object), peer, pod))) {
              yield none(`an ${direction} peer`, { matchLabels: { ...peer.namespaceSelector?.matchLabels, ...peer.podSelector?.matchLabels } });
            }
          }
        }
      }
    }
  }
}

function* portsAreServed({ objects, pods, all_pods, all }) {
  for (const object of objects) {
    if (object.kind === "Service") {
      for (const port of object.spec.ports) {
        for (const pod of pods.filter((one) => one.namespace === namespaceOf(object) && selects({ matchLabels: object.spec.selector }, one.labels))) {
          const target = port.targetPort ?? port.port;
          const number = portOf(pod, target, port.protocol);
          if (number === undefined) yield `${nameOf(object)}: ${nameOf(pod.owner)} does not serve port '${target}'`;
          else if (object.spec.clusterIP === "None" && number !== port.port) {
            yield `${nameOf(object)}: is headless, so that port ${port.port} must be the pods' own, ${number}`;
          }
        }
      }
    }
    if (object.kind === "NetworkPolicy") {
      const home = namespaceOf(object);
      const own = all_pods.filter((pod) => pod.namespace === home && selects(object.spec.podSelector, pod.labels));
      for (const [rules, pods_of] of [
        [object.spec.ingress, () => own],
        [object.spec.egress, (rule) => all_pods.filter((pod) => (rule.to ?? []).some((peer) => isPeer(all, home, peer, pod)))],
      ]) {
        for (const rule of rules ?? []) {
          for (const { port, protocol } of rule.ports ?? []) {
            for (const pod of pods_of(rule)) {
              if (portOf(pod, port, protocol) === undefined) {
                yield `${nameOf(object)}: ${nameOf(pod.owner)} does not serve port '${port}'${protocol === "UDP" ? " by UDP" : ""}`;
              }
            }
          }
        }
      }
    }
  }
  for (const pod of pods) {
    for (const container of pod.spec.containers) {
      for (const kind of ["startupProbe", "readinessProbe", "livenessProbe"]) {
        const port = container[kind]?.grpc?.port;
        if (port !== undefined && portOf(pod, port) === undefined) yield `${nameOf(pod.owner)}: ${kind} asks port ${port}, which is not served`;
      }
    }
  }
}

// What one side may call must be let in by the other, at that port. (The rehearsal shows the other direction.)
function* policiesAgree({ objects, all, pods }) {
  const policies = objects.filter((object) => object.kind === "NetworkPolicy");
  for (const policy of policies) {
    for (const rule of policy.spec.egress ?? []) {
      const from = pods.filter((pod) => pod.namespace === namespaceOf(policy) && selects(policy.spec.podSelector, pod.labels));
      const to = pods.filter((pod) => (rule.to ?? []).some((peer) => isPeer(all, namespaceOf(policy), peer, pod)));
      for (const source of from) {
        for (const target of to) {
          const entering = policies.filter((one) => namespaceOf(one) === target.namespace && selects(one.spec.podSelector, target.labels));
          const rules_in = entering.flatMap((one) => one.spec.ingress ?? []).filter((one) => (one.from ?? []).some((peer) => isPeer(all, target.namespace, peer, source)));
          for (const { port, protocol } of rule.ports ?? []) {
            const same = (one) => portOf(target, one.port, one.protocol) === portOf(target, port, protocol);
            if (!rules_in.some((one) => (one.ports ?? []).some(same))) {
              yield `${nameOf(policy)}: lets ${nameOf(source.owner)} call ${nameOf(target.owner)}, port '${port}', which lets it in by no policy`;
            }
          }
        }
      }
    }
  }
}

// The flags of a binary, as its --help lists them.
function flagsOf(cluster, name) {
  if (!cluster.flags.has(name)) {
    const { stdout, status } = spawnSync(path.join(cluster.bin, name), ["--help"], { encoding: "utf8" });
    cluster.flags.set(name, status === 0 ? new Set([...stdout.matchAll(/^ {2}--([a-z_]+) \((.*)\)$/gm)].map((match) => match[1])) : undefined);
  }
  return cluster.flags.get(name);
}

function* flagsExist(cluster) {
  for (const pod of cluster.pods) {
    for (const container of pod.spec.containers) {
      const flags = flagsOf(cluster, binaryOf(container));
      if (flags === undefined) {
        yield `${nameOf(pod.owner)}: there is no binary '${binaryOf(container)}' to ask for its flags`;
        continue;
      }
      for (const word of container.args ?? []) {
        const flag = word.match(/^--([^=]+)/)?.[1];
        if (flag === undefined) yield `${nameOf(pod.owner)}: '${word}' is no flag`;
        else if (!flags.has(flag)) yield `${nameOf(pod.owner)}: ${binaryOf(container)} has no flag --${flag}`;
      }
      const environment = environmentOf(cluster.all, pod, container);
      for (const word of container.args ?? []) {
        const unknown = expand(word, environment).match(/\$\(([A-Za-z_]+)\)/)?.[1];
        if (unknown !== undefined) yield `${nameOf(pod.owner)}: '${word}' names ${unknown}, which is not in its environment`;
      }
    }
  }
}

function* whatIsMountedExists({ all, objects, pods }) {
  for (const pod of pods) {
    const at = nameOf(pod.owner);
    const keys = function* (kind, name, wanted) {
      const there = keysOfSource(all, kind, pod.namespace, name);
      if (there === undefined) yield `${at}: there is no ${kind} '${name}'`;
      else for (const key of wanted) if (!there.includes(key)) yield `${at}: ${kind} '${name}' has no key '${key}'`;
    };
    for (const volume of pod.spec.volumes ?? []) {
      if (volume.secret) yield* keys("Secret", volume.secret.secretName, (volume.secret.items ?? []).map((item) => item.key));
      if (volume.configMap) yield* keys("ConfigMap", volume.configMap.name, (volume.configMap.items ?? []).map((item) => item.key));
      const claim = volume.persistentVolumeClaim?.claimName;
      if (claim !== undefined && !find(objects, "PersistentVolumeClaim", pod.namespace, claim)) yield `${at}: there is no PersistentVolumeClaim '${claim}'`;
    }
    for (const container of pod.spec.containers) {
      for (const { name, valueFrom } of container.env ?? []) {
        const ref = valueFrom?.configMapKeyRef ?? valueFrom?.secretKeyRef;
        if (ref) yield* keys(valueFrom.configMapKeyRef ? "ConfigMap" : "Secret", ref.name, [ref.key]);
        else if (valueFrom) yield `${at}: where ${name} comes from is not known here`;
      }
      const mounts = container.volumeMounts ?? [];
      for (const mount of mounts) {
        if (!(pod.spec.volumes ?? []).some((volume) => volume.name === mount.name)) yield `${at}: there is no volume '${mount.name}'`;
      }
      // Files that flags name below a mounted Secret or ConfigMap.
      for (const word of argumentsOf(all, pod, container)) {
        for (const [file] of word.matchAll(/\/[A-Za-z0-9_./-]+/g)) {
          const mount = mounts.find((one) => file.startsWith(`${one.mountPath}/`));
          const volume = (pod.spec.volumes ?? []).find((one) => one.name === mount?.name);
          const [kind, name] = volume?.secret ? ["Secret", volume.secret.secretName] : ["ConfigMap", volume?.configMap?.name];
          if (name !== undefined) yield* keys(kind, name, [file.slice(mount.mountPath.length + 1)]);
          else if (mount === undefined && file.startsWith("/etc/rematch/")) yield `${at}: nothing is mounted that has ${file}`;
        }
      }
    }
    const account = pod.spec.serviceAccountName;
    if (account !== undefined && !find(objects, "ServiceAccount", pod.namespace, account)) yield `${at}: there is no ServiceAccount '${account}'`;
    const priority = pod.spec.priorityClassName;
    if (priority !== undefined && !objects.some((one) => one.kind === "PriorityClass" && one.metadata.name === priority)) {
      yield `${at}: there is no PriorityClass '${priority}'`;
    }
  }
}

// The standard "restricted" of Kubernetes, and a root that cannot be written to.
function* podsAreRestricted({ pods }) {
  for (const { owner, spec } of pods) {
    if (spec.initContainers?.length > 0) yield `${nameOf(owner)}: initContainers are not known here`;
    const must = function* (holds, what) {
      if (!holds) yield `${nameOf(owner)}: ${what}`;
    };
    yield* must(spec.securityContext?.runAsNonRoot === true && spec.securityContext?.runAsUser > 0, "must run as a user other than root");
    yield* must(spec.securityContext?.seccompProfile?.type === "RuntimeDefault", "must have the seccomp profile RuntimeDefault");
    yield* must(spec.automountServiceAccountToken === false, "must be given no token of the cluster");
    yield* must(!spec.hostNetwork && !spec.hostPID && !spec.hostIPC, "must share nothing of its host");
    yield* must(!(spec.volumes ?? []).some((volume) => volume.hostPath), "must mount nothing of its host");
    for (const container of spec.containers) {
      const context = container.securityContext ?? {};
      yield* must(context.runAsUser !== 0 && context.runAsNonRoot !== false, "must run as a user other than root");
      yield* must(!context.seccompProfile || context.seccompProfile.type === "RuntimeDefault", "must have the seccomp profile RuntimeDefault");
      yield* must(!(container.ports ?? []).some((port) => port.hostPort), "must share nothing of its host");
      yield* must(!container.envFrom, "has an envFrom, which is not known here");
      yield* must(context.allowPrivilegeEscalation === false && context.privileged !== true, "must not be able to gain rights");
      yield* must(context.readOnlyRootFilesystem === true, "must have a root that is read-only");
      yield* must((context.capabilities?.drop ?? []).includes("ALL") && (context.capabilities?.add ?? []).length === 0, "must drop all capabilities");
      const { requests, limits } = container.resources ?? {};
      yield* must(requests?.cpu && requests?.memory && limits?.memory, "must say what it needs of CPU and memory, and a limit of memory");
    }
  }
}

const secondsOf = (text) => {
  const match = text?.match(/^(\d+)(ms|s|m)$/);
  return match === null || match === undefined ? undefined : Number(match[1]) * { ms: 0.001, s: 1, m: 60 }[match[2]];
};
// What a process takes beside its drain, at most: loops that wait for a peer or a statement (5 s each), clients that go (2 s), doors.
const SHUTDOWN_SECONDS = 15;

function* deploymentsCanBeRolled({ objects, all, pods }) {
  for (const pod of pods.filter((one) => one.owner.kind === "Deployment")) {
    const at = nameOf(pod.owner);
    for (const container of pod.spec.containers) {
      const { startupProbe, readinessProbe, livenessProbe } = container;
      if (!startupProbe?.grpc || !readinessProbe?.grpc || !livenessProbe?.grpc) yield `${at}: must have gRPC probes for startup, readiness and liveness`;
      else if (readinessProbe.grpc.service === livenessProbe.grpc.service) yield `${at}: what is ready and what lives must be asked apart`;
      const drain = secondsOf(argumentsOf(all, pod, container).find((word) => word.startsWith("--drain_timeout="))?.split("=")[1]);
      if (drain === undefined) yield `${at}: must say its --drain_timeout`;
      else if ((pod.spec.terminationGracePeriodSeconds ?? 30) < drain + SHUTDOWN_SECONDS) {
        yield `${at}: terminationGracePeriodSeconds must be at least ${drain + SHUTDOWN_SECONDS}: the drain and ${SHUTDOWN_SECONDS} s of shutdown`;
      }
    }
    const { strategy, replicas } = pod.owner.spec;
    const claims = (pod.spec.volumes ?? []).some((volume) => volume.persistentVolumeClaim);
    if (claims) {
      if (strategy?.type !== "Recreate" || replicas !== 1) yield `${at}: has a volume of its own, so it must be one replica, with strategy Recreate`;
    } else if (strategy?.rollingUpdate?.maxUnavailable !== 0) {
      yield `${at}: must be rolled with maxUnavailable 0`;
    } else {
      for (const kind of ["HorizontalPodAutoscaler", "PodDisruptionBudget"]) {
        const there = objects.some((one) => one.kind === kind && (kind === "PodDisruptionBudget" ? selects(one.spec.selector, pod.labels) : one.spec.scaleTargetRef.name === pod.owner.metadata.name));
        if (!there) yield `${at}: has no ${kind}`;
      }
    }
  }
}

// So that a release can be applied one service at a time, by their names.
function* belongingsAreLabelled({ objects, pods }) {
  for (const pod of pods.filter((one) => one.owner.kind === "Deployment")) {
    const name = pod.owner.metadata.name;
    for (const object of objects.filter((one) => one.metadata.name === name)) {
      if (object.metadata.labels?.["app.kubernetes.io/name"] !== name) yield `${nameOf(object)}: belongs to ${name}, and has no label that says so`;
    }
  }
}

// A rule without peers lets everybody in, and one without ports into everything.
function* policiesNameWhomTheyLet({ objects }) {
  for (const object of objects.filter((one) => one.kind === "NetworkPolicy")) {
    for (const [direction, key] of [["ingress", "from"], ["egress", "to"]]) {
      for (const rule of object.spec[direction] ?? []) {
        if (!(rule[key]?.length > 0) || !(rule.ports?.length > 0)) yield `${nameOf(object)}: an ${direction} rule names no peers or no ports: that is everybody, or all of them`;
        for (const peer of rule[key] ?? []) if (peer.ipBlock?.cidr.endsWith("/0")) yield `${nameOf(object)}: ${peer.ipBlock.cidr} is everybody`;
      }
    }
  }
}

function* nobodyIsLetInByDefault({ objects, pods }) {
  const denied = objects.some((object) => object.kind === "NetworkPolicy" && selects(object.spec.podSelector, {}) &&
      ["Ingress", "Egress"].every((type) => object.spec.policyTypes?.includes(type)) && !object.spec.ingress && !object.spec.egress);
  const beyond = pods.find((pod) => pod.spec.containers.some((container) => (container.args ?? []).includes("--unauthenticated_callers")));
  if (beyond !== undefined && !denied) yield `${nameOf(beyond.owner)}: callers are not authenticated, and no NetworkPolicy denies all that is not allowed`;
}

const RULES = [
  namesAreGivenOnce, namespacesExist, selectorsFindTheirPods, portsAreServed, policiesAgree, flagsExist, whatIsMountedExists,
  podsAreRestricted, deploymentsCanBeRolled, belongingsAreLabelled, policiesNameWhomTheyLet, nobodyIsLetInByDefault,
];
