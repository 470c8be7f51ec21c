// One node of a cluster, as far as the suite can tell: pods in networks of their own, names, NetworkPolicies, probes, and what a Deployment and a
// Job do. Runs as root in namespaces of network, mounts and processes that end with it (see `./dev k8s rehearse`), so it leaves nothing behind.
import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import http2 from "node:http2";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { argumentsOf, binaryOf, environmentOf, find, isPeer, keysOfSource, nameOf, namespaceOf, podsOf, portOf, selects } from "./cluster.mjs";

const NODE_ADDRESS = "10.77.0.1";
// Seconds for what usually takes a few: how busy the machine is, is not what is rehearsed.
export const PATIENCE = 180;
const HERE = path.dirname(new URL(import.meta.url).pathname);

export function run(command, args, options = {}) {
  try {
    return execFileSync(command, args, { encoding: "utf8", stdio: ["pipe", "pipe", "pipe"], ...options });
  } catch (error) {
    throw new Error(`${command} ${args.slice(0, 4).join(" ")}: ${(error.stderr || error.message).trim().split("\n").at(-1)}`);
  }
}

export async function until(what, holds, seconds = PATIENCE) {
  const end = Date.now() + seconds * 1000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s`);
    await sleep(50);
  }
}

// Whether the standard health service at an address says SERVING of `service`.
export function serves(address, port, service, timeout_seconds) {
  return new Promise((resolve) => {
    const session = http2.connect(`http://${address}:${port}`);
    const end = (answer) => {
      clearTimeout(timer);
      session.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => end(false), timeout_seconds * 1000);
    session.on("error", () => end(false));
    const call = session.request({ ":method": "POST", ":path": "/grpc.health.v1.Health/Check", "content-type": "application/grpc", te: "trailers" });
    call.on("error", () => end(false));
    // A message of gRPC: not compressed, its length, and field 1 of the request or the response.
    const name = Buffer.from(service);
    const message = Buffer.concat([Buffer.from([0x0a, name.length]), name]);
    const head = Buffer.alloc(5);
    head.writeUInt32BE(message.length, 1);
    let answer = Buffer.alloc(0);
    call.on("data", (part) => (answer = Buffer.concat([answer, part])));
    call.on("end", () => end(answer.length >= 7 && answer[5] === 0x08 && answer[6] === 1));
    call.end(Buffer.concat([head, message]));
  });
}

// Unpacks an archive of one image, as `docker save` and `buildah push` write it, into `root`; its configuration, and its `tag`.
function unpackImage(archive, root) {
  if (!fs.existsSync(archive)) throw new Error(`there is no ${archive}: ./dev k8s image makes it`);
  const read = (name) => JSON.parse(run("tar", ["-xOf", archive, name]));
  const [manifest] = read("manifest.json");
  fs.mkdirSync(root, { recursive: true });
  const layers = `${root}.layers`;
  fs.mkdirSync(layers);
  run("tar", ["-xf", archive, "-C", layers]);
  for (const layer of manifest.Layers) {
    const file = path.join(layers, layer);
    if (/(^|\/)\.wh\./m.test(run("tar", ["-tf", file]))) throw new Error(`${archive} removes files of its own layers: our images have no such`);
    run("tar", ["-xpf", file, "-C", root]);
  }
  fs.rmSync(layers, { recursive: true });
  return { ...read(manifest.Config).config, tag: manifest.RepoTags?.[0] };
}

// A pod that runs or ran. `exited`: a promise of its exit code.
class Pod {
  constructor(node, template, name) {
    Object.assign(this, { node, ...template, name, ready: false, alive: true, restarts: 0, since_ready: 0 });
    this.address = node.nextAddress();
    this.network = `pod${this.address.split(".").slice(2).join("-")}`;
    this.log = path.join(node.work, `${name}.log`);
  }
  container() {
    return this.spec.containers[0];
  }
  lastLine() {
    return this.says().trim().split("\n").at(-1);
  }
  says() {
    return fs.existsSync(this.log) ? fs.readFileSync(this.log, "utf8") : "";
  }
}

export class Node {
  // `objects` is what is rendered, Secrets included; images are the archives in the folder `images`, or, without one, made of the binaries in
  // `bin` as Dockerfile makes them.
  constructor({ work, objects, neighbours, bin, images, say }) {
    Object.assign(this, { work, objects, all: [...objects, ...neighbours], bin, images, say, made: new Map(), pods: [], addresses: 0, children: 0 });
    fs.mkdirSync("/run/netns", { recursive: true });
    run("mount", ["-t", "tmpfs", "tmpfs", "/run/netns"]);
    run("ip", ["link", "set", "lo", "up"]);
    run("ip", ["link", "add", "node", "type", "bridge"]);
    run("ip", ["addr", "add", `${NODE_ADDRESS}/16`, "dev", "node"]);
    run("ip", ["link", "set", "node", "up"]);
    this.names = path.join(work, "names");
    fs.writeFileSync(this.names, "");
    this.resolv = path.join(work, "resolv.conf");
  }

  nextAddress() {
    const n = ++this.addresses + 1;
    return `10.77.${n >> 8}.${n & 255}`;
  }

  // The pod's network, with the policies in force before anything runs in it.
  #connect(pod) {
    const end = `v${pod.address.split(".").slice(2).join("-")}`;
    run("ip", ["netns", "add", pod.network]);
    run("ip", ["link", "add", end, "type", "veth", "peer", "name", "eth0", "netns", pod.network]);
    run("ip", ["link", "set", end, "master", "node", "up"]);
    for (const words of [`addr add ${pod.address}/16 dev eth0`, "link set eth0 up", "link set lo up", `route add default via ${NODE_ADDRESS}`]) {
      run("ip", ["-n", pod.network, ...words.split(" ")]);
    }
    this.pods.push(pod);
    this.applyPolicies();
  }

  // A program of this machine in a pod of `template`: the neighbours, and who calls. Returns the pod.
  neighbour(name, command) {
    const template = podsOf(this.all).find((one) => one.owner.kind === "Pod" && one.owner.metadata.name === name);
    const pod = new Pod(this, template, name);
    this.#connect(pod);
    pod.ready = true;
    if (command !== undefined) this.spawnIn(pod, command);
    return pod;
  }

  // The words for nsenter that run `command` in the network of `pod`, with the names of the cluster.
  #inside(pod, command) {
    const script = `[[ ! -s ${this.resolv} ]] || mount --bind ${this.resolv} /etc/resolv.conf; exec "$@"`;
    return [`--net=/run/netns/${pod.network}`, "unshare", "--mount", "bash", "-c", script, "bash", ...command];
  }

  // Starts a program of this machine in a pod; its process.
  spawnIn(pod, command) {
    const out = fs.openSync(pod.log, "a");
    const child = spawn("nsenter", this.#inside(pod, command), { stdio: ["ignore", out, out] });
    fs.closeSync(out);
    child.done = new Promise((resolve) => child.on("exit", (code, signal) => resolve(code ?? signal)));
    return child;
  }

  // Runs one to its end; what it printed.
  runIn(pod, command, environment = process.env) {
    return run("nsenter", this.#inside(pod, command), { env: environment });
  }

  // Whether a connection of TCP comes about.
  connects(from, to, port) {
    try {
      run("nsenter", [`--net=/run/netns/${from.network}`, "timeout", "20", "bash", "-c", `exec 3<>/dev/tcp/${to.address}/${port}`]);
      return true;
    } catch {
      return false;
    }
  }

  // The image of a binary: its root, and what it says is to be run, as whom.
  image(name) {
    if (!this.made.has(name)) {
      const root = path.join(this.work, "images", name);
      const config = { Entrypoint: [`/usr/bin/${name}`] };
      if (this.images === undefined) run(path.join(HERE, "image_root"), [this.bin, name, root]);
      else Object.assign(config, unpackImage(path.join(this.images, `${name}.tar`), root));
      this.made.set(name, { root, entrypoint: config.Entrypoint, user: config.User, tag: config.tag });
    }
    return this.made.get(name);
  }

  // A cgroup with the pod's limit of memory, in the first or the second version of cgroups.
  #cgroup(pod) {
    const limit = pod.container().resources.limits.memory;
    const bytes = Number.parseInt(limit, 10) * { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30 }[limit.slice(-2)];
    const first = fs.existsSync("/sys/fs/cgroup/memory/cgroup.procs");
    const base = first ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup";
    try {
      if (!first) fs.writeFileSync(path.join(base, "cgroup.subtree_control"), "+memory");
      fs.accessSync(base, fs.constants.W_OK);
    } catch {
      throw new Error("this machine lets nobody limit memory: no cgroup of it can be written to");
    }
    const folder = path.join(base, `${path.basename(this.work)}-${pod.name}`);
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(path.join(folder, first ? "memory.limit_in_bytes" : "memory.max"), String(bytes));
    pod.most_memory = () => {
      const file = path.join(folder, first ? "memory.max_usage_in_bytes" : "memory.peak");
      return fs.existsSync(file) ? Number(fs.readFileSync(file, "utf8")) : 0;
    };
    return folder;
  }

  // What volumes hold, as folders: from => to.
  #mounts(pod) {
    return (pod.container().volumeMounts ?? []).map((mount) => {
      const volume = pod.spec.volumes.find((one) => one.name === mount.name);
      const user = pod.spec.securityContext.runAsUser;
      const claim = volume.persistentVolumeClaim?.claimName;
      if (claim !== undefined) {
        const folder = this.claim(claim);
        fs.chownSync(folder, user, pod.spec.securityContext.fsGroup);
        return [folder, mount.mountPath, mount.readOnly ? "ro" : "rw"];
      }
      const kind = volume.secret ? "Secret" : "ConfigMap";
      const source = volume.secret?.secretName ?? volume.configMap.name;
      const object = find(this.objects, kind, pod.namespace, source);
      if (object === undefined) throw new Error(`${nameOf(pod.owner)}: there is no ${kind} '${source}'`);
      const folder = path.join(this.work, pod.name, mount.name);
      fs.mkdirSync(folder, { recursive: true });
      for (const key of keysOfSource(this.objects, kind, pod.namespace, source)) {
        const file = path.join(folder, key);
        fs.writeFileSync(file, { ...object.data, ...object.stringData }[key]);
        fs.chmodSync(file, volume.secret?.defaultMode ?? 0o444);
        fs.chownSync(file, 0, pod.spec.securityContext.fsGroup);
      }
      return [folder, mount.mountPath, "ro"];
    });
  }

  claim(name) {
    const folder = path.join(this.work, "claims", name);
    fs.mkdirSync(folder, { recursive: true });
    return folder;
  }

  // Starts a pod of a Deployment or a Job with exactly what its manifest says.
  startPod(template, name) {
    const pod = new Pod(this, template, name);
    this.#connect(pod);
    this.#startContainer(pod);
    return pod;
  }

  #startContainer(pod) {
    const container = pod.container();
    const binary = binaryOf(container);
    const context = { ...pod.spec.securityContext, ...container.securityContext };
    const image = this.image(binary);
    const user = `${context.runAsUser}:${context.runAsGroup}`;
    if ((image.user ?? user) !== user) throw new Error(`${nameOf(pod.owner)} runs as ${user}, and its image is made for ${image.user}`);
    const work = path.join(this.work, pod.name, "run");
    fs.mkdirSync(work, { recursive: true });
    const binds = [[this.resolv, "/etc/resolv.conf", "ro"], ...this.#mounts(pod)];
    const words = [
      `--net=/run/netns/${pod.network}`, path.join(HERE, "pod"), "--image", image.root, "--work", work, "--cgroup", this.#cgroup(pod),
      "--user", user, ...binds.flatMap((bind) => ["--bind", bind.join(":")]),
      ...Object.entries(environmentOf(this.all, pod, container)).flatMap(([key, value]) => ["--env", `${key}=${value}`]),
      "--", ...(container.command ? [] : image.entrypoint), ...argumentsOf(this.all, pod, container),
    ];
    const out = fs.openSync(pod.log, "a");
    const child = spawn("nsenter", words, { stdio: ["ignore", out, out] });
    fs.closeSync(out);
    pod.process = child;
    pod.exited = new Promise((resolve) => {
      child.on("exit", (code, signal) => {
        pod.ended_at = Date.now();
        pod.ready = false;
        pod.alive = false;
        resolve(code ?? signal);
      });
    });
  }

  // The first process of the pod's namespace, as this namespace knows it.
  #pidOf(pod) {
    const child = fs.readFileSync(`/proc/${pod.process.pid}/task/${pod.process.pid}/children`, "utf8").trim().split(" ")[0];
    return Number(child);
  }

  // Probes a pod as its manifest says, until it is told to end: startup first, then readiness and liveness.
  async keepProbing(pod) {
    const { startupProbe, readinessProbe, livenessProbe } = pod.container();
    const ask = (probe) => serves(pod.address, probe.grpc.port, probe.grpc.service ?? "", probe.timeoutSeconds ?? 1);
    for (let failed = 0; pod.alive && !(await ask(startupProbe)); await sleep((startupProbe.periodSeconds ?? 10) * 1000)) {
      if (++failed >= (startupProbe.failureThreshold ?? 3)) throw new Error(`${pod.name} does not start: ${pod.lastLine()}`);
    }
    pod.started = true;
    const repeat = async (probe, judge) => {
      for (let failed = 0; pod.alive && !pod.ending; await sleep((probe.periodSeconds ?? 10) * 1000)) {
        const good = await ask(probe);
        failed = good ? 0 : failed + 1;
        if (pod.alive && !pod.ending) judge(good, failed >= (probe.failureThreshold ?? 3));
      }
    };
    repeat(readinessProbe, (good, failed) => {
      if (good !== pod.ready && (good || failed)) {
        pod.ready = good;
        pod.since_ready = Date.now();
        this.publishNames();
      }
    });
    repeat(livenessProbe, (_, failed) => {
      if (failed) {
        pod.restarts++;
        this.say(`${pod.name} is not alive: it would be restarted`);
      }
    });
  }

  podsOf(owner) {
    return this.pods.filter((pod) => pod.owner === owner && pod.alive && !pod.ending);
  }

  // Starts the pods of a Deployment, without waiting for them.
  deploy(owner) {
    const template = podsOf(this.objects).find((one) => one.owner === owner);
    const scaler = this.objects.find((one) => one.kind === "HorizontalPodAutoscaler" && one.spec.scaleTargetRef.name === owner.metadata.name);
    const replicas = owner.spec.replicas ?? scaler?.spec.minReplicas ?? 1;
    return Array.from({ length: replicas }, () => this.#another(owner, template));
  }

  #another(owner, template) {
    const pod = this.startPod(template, `${owner.metadata.name}-${++this.children}`);
    this.keepProbing(pod).catch((error) => (pod.failed = error));
    return pod;
  }

  async awaitReady(pods) {
    await until(`${pods[0].name} is ready`, () => {
      for (const pod of pods) {
        if (pod.failed) throw pod.failed;
        if (!pod.alive) throw new Error(`${pod.name} ended: ${pod.lastLine()}`);
      }
      return pods.every((pod) => pod.ready);
    });
  }

  // SIGTERM and, behind the grace of the manifest, SIGKILL. Gives {code, seconds}.
  async endPod(pod) {
    if (pod.restarts > 0) throw new Error(`${pod.name} was not alive, and would have been restarted`);
    pod.ending = true;
    pod.ready = false;
    this.publishNames();
    const begin = Date.now();
    const grace = pod.spec.terminationGracePeriodSeconds ?? 30;
    process.kill(this.#pidOf(pod), "SIGTERM");
    const code = await Promise.race([pod.exited, sleep(grace * 1000, "grace", { ref: false })]);
    if (code === "grace") {
      process.kill(this.#pidOf(pod), "SIGKILL");
      throw new Error(`${pod.name} did not end within its grace of ${grace} s`);
    }
    this.forget(pod);
    return { code, seconds: (pod.ended_at - begin) / 1000 };
  }

  // Of a pod that has ended: its network goes.
  forget(pod) {
    this.pods = this.pods.filter((one) => one !== pod);
    run("ip", ["netns", "del", pod.network]);
    this.applyPolicies();
  }

  // A rollout as the Deployment's strategy says. Gives how each old pod ended.
  async roll(owner) {
    const template = podsOf(this.objects).find((one) => one.owner === owner);
    const old = this.podsOf(owner);
    const ends = [];
    if (owner.spec.strategy?.type === "Recreate") {
      for (const pod of old) ends.push(await this.endPod(pod));
      await this.awaitReady(this.deploy(owner));
      return ends;
    }
    if (owner.spec.strategy.rollingUpdate.maxUnavailable !== 0 || owner.spec.strategy.rollingUpdate.maxSurge !== 1) {
      throw new Error(`${nameOf(owner)}: only rollouts by one more pod at a time are rehearsed`);
    }
    for (const pod of old) {
      const another = this.#another(owner, template);
      await this.awaitReady([another]);
      const wanted = owner.spec.minReadySeconds ?? 0;
      await until("minReadySeconds", () => Date.now() - another.since_ready >= wanted * 1000, wanted + 30);
      ends.push(await this.endPod(pod));
    }
    return ends;
  }

  // Runs a Job once.
  async runJob(owner) {
    const template = podsOf(this.objects).find((one) => one.owner === owner);
    const pod = this.startPod(template, `${owner.metadata.name}-${++this.children}`);
    const code = await pod.exited;
    if (code !== 0) throw new Error(`${nameOf(owner)} failed: ${pod.lastLine()}`);
    this.forget(pod);
  }

  // The names of headless Services: every pod of theirs that is ready. Neighbours have names as well.
  publishNames() {
    const lines = [];
    for (const service of this.objects.filter((one) => one.kind === "Service")) {
      for (const pod of this.pods) {
        if (!pod.ready || pod.namespace !== namespaceOf(service) || !selects({ matchLabels: service.spec.selector }, pod.labels)) continue;
        lines.push(`${pod.address} ${service.metadata.name}.${namespaceOf(service)}.svc.cluster.local`);
      }
    }
    for (const pod of this.pods.filter((one) => one.owner.kind === "Pod")) lines.push(`${pod.address} ${pod.name}.${pod.namespace}.svc.cluster.local`);
    fs.writeFileSync(this.names, `${lines.join("\n")}\n`);
    this.dns?.kill("SIGHUP");
  }

  startNames(name) {
    const pod = this.neighbour(name);
    this.dns = spawn("nsenter", [`--net=/run/netns/${pod.network}`, "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=root", "--pid-file=",
      "--local=/cluster.local/", `--addn-hosts=${this.names}`, `--listen-address=${pod.address}`, "--bind-interfaces"], { stdio: "ignore" });
    const home = this.objects.find((one) => one.kind === "Namespace").metadata.name;
    fs.writeFileSync(this.resolv, `nameserver ${pod.address}\nsearch ${home}.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n`);
  }

  // Every NetworkPolicy as rules of nftables in the network of each pod that it selects; all pods side by side.
  applyPolicies() {
    const files = path.join(this.work, "policies");
    fs.mkdirSync(files, { recursive: true });
    const policies = this.objects.filter((one) => one.kind === "NetworkPolicy");
    for (const pod of this.pods) {
      const of_pod = policies.filter((one) => namespaceOf(one) === pod.namespace && selects(one.spec.podSelector, pod.labels));
      const rules = (type, list, peers, side) => {
        const judged = of_pod.filter((one) => one.spec.policyTypes.includes(type));
        if (judged.length === 0) return ["accept"];
        const lines = judged.flatMap((policy) => (policy.spec[list] ?? []).flatMap((rule) => {
          // Without peers it is everybody, without ports all of them.
          const named = rule[peers]?.length > 0;
          const who = this.pods.filter((one) => one !== pod && (!named || rule[peers].some((peer) => isPeer(this.all, namespaceOf(policy), peer, one))));
          const blocks = (rule[peers] ?? []).flatMap((peer) => (peer.ipBlock ? [`ip ${side} ${peer.ipBlock.cidr}`] : []));
          return [...who.map((one) => [`ip ${side} ${one.address}`, one]), ...blocks.map((block) => [block, pod])].flatMap(([from, one]) =>
            (rule.ports ?? [undefined]).map((port) => {
              if (port === undefined) return `${from} accept`;
              const number = portOf(list === "ingress" ? pod : one, port.port, port.protocol) ?? port.port;
              return `${from} ${(port.protocol ?? "TCP").toLowerCase()} dport ${number} accept`;
            }),
          );
        }));
        return [...new Set(lines), "meta l4proto tcp reject with tcp reset", "reject"];
      };
      const chain = (name, hook, own, lines) => [`chain ${name} {`, `type filter hook ${hook} priority 0; policy accept;`, "ct state established,related accept", ...own, ...lines, "}"];
      const text = [
        "table inet policies", "delete table inet policies", "table inet policies {",
        ...chain("into", "input", ["iif lo accept", `ip saddr ${NODE_ADDRESS} accept`], rules("Ingress", "ingress", "from", "saddr")),
        ...chain("out", "output", ["oif lo accept"], rules("Egress", "egress", "to", "daddr")),
        "}",
      ].join("\n");
      fs.writeFileSync(path.join(files, pod.network), text);
    }
    const script = 'for pod in "$@"; do nsenter --net="/run/netns/$pod" nft -f "$pod" & all+=($!); done; for one in "${all[@]}"; do wait "$one" || exit 1; done';
    run("bash", ["-c", script, "bash", ...this.pods.map((pod) => pod.network)], { cwd: files });
  }
}
