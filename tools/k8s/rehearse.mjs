// Rehearses an overlay: what it renders runs on one node (node.mjs), with the real binaries. tools/k8s/rehearse calls it, in namespaces of its own.
// Tells what happens; exit code 1 with one line when something is not as it must be.
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { podsOf, portOf, readObjects } from "./cluster.mjs";
import { Node, run, until } from "./node.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: Object.fromEntries(["work", "bin", "source", "secrets", "images"].map((name) => [name, { type: "string" }])),
});
const [overlay, rendered] = positionals;
if (!["dev", "prod"].includes(overlay)) {
  console.error(`${overlay}: dev and prod are rehearsed: an overlay of your own has its own database and mail server`);
  process.exit(1);
}
const bin = path.resolve(values.bin);
const source = path.resolve(values.source);
const SERVICES = ["mentor-service", "notify-service", "request-service"];
const begin = Date.now();
const say = (line) => console.log(`${((Date.now() - begin) / 1000).toFixed(1).padStart(6)} s  ${line}`);
const must = (holds, what) => {
  if (!holds) throw new Error(what);
};

// Who may open a connection to whom, by the words of docs/operations.md and not by the manifests: every other way must be refused.
const ALLOWED = new Set([
  "client mentor-service 4001", "client notify-service 4001", "client request-service 4001",
  "request-service mentor-service 4001", "request-service notify-service 4001",
  ...(overlay === "prod"
    ? [
        ...SERVICES.flatMap((service) => [`prometheus ${service} 9090`, `${service} mariadb 3306`]), "notify-service smtp-relay 587",
      ]
    : []),
]);

async function main() {
  const { work } = values;
  run("mount", ["-t", "tmpfs", "-o", "mode=755", "tmpfs", work]);
  const secrets = values.secrets ? readObjects(values.secrets) : [];
  for (const secret of secrets) for (const key of Object.keys(secret.stringData)) secret.stringData[key] ||= `${randomBytes(18).toString("hex")}\n`;
  const objects = [...readObjects(rendered), ...secrets];
  const node = new Node({ work, objects, neighbours: readObjects(path.join(source, "k8s/neighbours.yaml")), bin, images: values.images, say });
  const deployments = SERVICES.map((name) => objects.find((one) => one.kind === "Deployment" && one.metadata.name === name));
  const jobs = objects.filter((one) => one.kind === "Job");
  const mail = overlay === "prod" ? path.join(work, "mail") : path.join(node.claim("notify-service"), "mail");
  if (overlay === "prod") fs.mkdirSync(mail);

  const images = SERVICES.map((name) => node.image(name));
  say(values.images ? `unpacked: ${images.map((image) => image.tag).join(", ")}` : "the roots of the images are made");

  // --- Neighbours ---
  node.startNames("kube-dns");
  if (overlay === "prod") {
    startDatabase(node, work, secrets);
    node.neighbour("smtp-relay", ["/usr/bin/python3", path.join(source, "tools/k8s/smtp_relay.py"), mail, "587"]);
  }
  node.neighbour("prometheus");
  const client = node.neighbour("client");
  node.neighbour("stranger");
  node.publishNames();
  say(`names${overlay === "prod" ? ", a MariaDB and a mail server" : ""} are there`);

  // --- Start ---
  const pods = deployments.flatMap((deployment) => node.deploy(deployment));
  if (jobs.length > 0) {
    await until("the pods wait for their schemas", () => pods.every((pod) => {
      if (pod.failed) throw pod.failed;
      must(pod.alive, `${pod.name} ended, where it should wait for its schema: ${pod.lastLine()}`);
      must(!pod.ready, `${pod.name} is ready, though its schema is not there`);
      return pod.started && pod.says().includes("waiting_for_store");
    }));
    say(`${pods.length} pods live and are not ready: their schemas are not there`);
    for (const job of jobs) await node.runJob(job);
    say(`${jobs.length} Jobs have migrated the schemas`);
  }
  await node.awaitReady(pods);
  say(`${pods.length} pods are ready: ${pods.map((pod) => pod.name).join(", ")}`);

  // --- Ways ---
  tryAllWays(node);

  // --- Case (a) through the Services ---
  const suite = path.join(work, "suite");
  fs.writeFileSync(suite, SERVICES.map((name) => `${name.split("-")[0]}=dns:///${name}:4001\n`).join(""));
  node.runIn(client, [path.join(bin, "rematch-demo"), `--suite=${suite}`, `--mail_dir=${mail}`, "--cases=a", `--bin_dir=${bin}`, `--source_dir=${source}`]);
  say("case (a) of the demo went through the Services, and nothing differed");
  await runCommandLine(node);
  if (overlay === "prod") scrape(node);

  // --- Rollouts ---
  if (overlay === "prod") await rollUnderLoad(node, client, deployments, suite, mail);
  else await recreate(node, client, deployments, suite);

  for (const deployment of deployments) {
    for (const pod of node.podsOf(deployment)) {
      const { code, seconds } = await node.endPod(pod);
      must(code === 0, `${pod.name} ended with ${code}`);
      say(`${pod.name} drained in ${seconds.toFixed(1)} s of ${pod.spec.terminationGracePeriodSeconds}; at most ${Math.round(pod.most_memory() / 2 ** 20)} MiB of ${pod.container().resources.limits.memory}`);
    }
  }
  console.log(`${overlay}: rehearsed, nothing is wrong`);
}

// A MariaDB with a schema for each service, a user who may change its rows, and one who may change its tables.
function startDatabase(node, work, secrets) {
  const folder = path.join(work, "mariadb");
  fs.mkdirSync(folder);
  fs.writeFileSync(path.join(folder, "port"), "3306\n");
  const pod = node.neighbour("mariadb");
  const tool = path.join(source, "tools/mariadb");
  const env = { ...process.env, TMPDIR: work };
  node.runIn(pod, [tool, "start", folder, "--bind-address=0.0.0.0"], env);
  const password = (name) => secrets.find((one) => one.metadata.name === name).stringData.password.trim();
  for (const name of SERVICES.map((service) => service.split("-")[0])) {
    for (const statement of [
      `CREATE DATABASE ${name}_service`,
      `CREATE USER ${name}_service IDENTIFIED BY '${password(`${name}-service-database`)}'`,
      `GRANT SELECT, INSERT, UPDATE, DELETE ON \`${name}\\_service\`.* TO ${name}_service`,
      `CREATE USER ${name}_owner IDENTIFIED BY '${password(`${name}-owner-database`)}'`,
      `GRANT ALL ON \`${name}\\_service\`.* TO ${name}_owner`,
    ]) node.runIn(pod, [tool, "run", folder, statement], env);
  }
}

// Every pod to every port of every other, held against ALLOWED.
function tryAllWays(node) {
  const first = new Map();
  for (const pod of node.pods) {
    const name = pod.owner.metadata.name;
    if (!first.has(name) && name !== "kube-dns") first.set(name, pod);
  }
  const ports = { "mentor-service": [4001, 9090], "notify-service": [4001, 9090], "request-service": [4001, 9090], ...(overlay === "prod" ? { mariadb: [3306], "smtp-relay": [587] } : {}) };
  let open = 0, refused = 0;
  for (const [from, source_pod] of first) {
    for (const [to, numbers] of Object.entries(ports)) {
      if (from === to) continue;
      // Neighbours are let into nothing of each other's here, and what they do among themselves is not the suite's.
      if (["mariadb", "smtp-relay"].includes(to) && ["mariadb", "smtp-relay", "prometheus"].includes(from)) continue;
      for (const port of numbers) {
        const may = ALLOWED.has(`${from} ${to} ${port}`);
        must(node.connects(source_pod, first.get(to), port) === may, `${from} can${may ? "not" : ""} connect to ${to}, port ${port}`);
        if (may) open++;
        else refused++;
      }
    }
  }
  say(`${open} ways are open and ${refused} are refused, as they must be`);
}

// The pod in which docs/operations.md runs `rematch`.
async function runCommandLine(node) {
  const [owner] = readObjects(path.join(source, "k8s/command-line.yaml"));
  owner.metadata.name = `${owner.metadata.generateName}rehearsal`;
  const pod = node.startPod(podsOf([owner])[0], owner.metadata.name);
  const code = await pod.exited;
  must(code === 0, `${pod.name} ended with ${code}: ${pod.lastLine()}`);
  must(pod.says().includes("Elementary Induction"), `${pod.name} does not show the programs of the example roster`);
  node.forget(pod);
  say("rematch in a pod of its own shows the overview");
}

function scrape(node) {
  const prometheus = node.pods.find((pod) => pod.name === "prometheus");
  for (const pod of node.pods.filter((one) => one.owner.kind === "Deployment")) {
    const page = node.runIn(prometheus, ["curl", "--silent", "--fail", "--max-time", "5", `http://${pod.address}:${portOf(pod, "metrics")}/metrics`]);
    must(page.includes("rematch_build_info"), `${pod.name} shows no metrics`);
  }
  say("Prometheus reads the metrics of every pod");
}

async function rollUnderLoad(node, client, deployments, suite, mail) {
  const caller = node.spawnIn(client, [path.join(bin, "steady_caller"), `--suite=${suite}`, `--mail_dir=${mail}`]);
  // Messages are the last that it writes of a person.
  const mails = () => {
    const box = path.join(mail, "mentor.1@canyon.example", "new");
    return fs.existsSync(box) ? fs.readdirSync(box).length : 0;
  };
  const goesOn = async () => {
    const before = mails();
    await until("the callers call", () => {
      must(caller.exitCode === null, `the callers gave up: ${client.lastLine()}`);
      return mails() > before + 20;
    });
  };
  await goesOn();
  // All at once, as one kubectl apply does it.
  await Promise.all(
    deployments.map(async (deployment) => {
      const ends = await node.roll(deployment);
      must(ends.every((end) => end.code === 0), `a pod of ${deployment.metadata.name} ended with ${ends.map((end) => end.code).join(", ")}`);
      say(`${deployment.metadata.name} was rolled: ${ends.length} pods drained in ${ends.map((end) => end.seconds.toFixed(1)).join(" and ")} s`);
    }),
  );
  await goesOn();
  process.kill(caller.pid, "SIGTERM");
  const code = await caller.done;
  const said = client.says().trim().split("\n");
  must(code === 0, `while the Deployments were rolled: ${said.at(-1)}`);
  say(`under load all the time: ${said.find((line) => line.includes("acknowledged"))}, none was lost or doubled`);
}

async function recreate(node, client, deployments, suite) {
  const cases = () => node.runIn(client, [path.join(bin, "rematch"), `--suite=${suite}`, "--as", "service", "--json", "overview"]);
  const before = cases();
  for (const deployment of deployments) {
    const ends = await node.roll(deployment);
    must(ends.every((end) => end.code === 0), `a pod of ${deployment.metadata.name} ended with ${ends.map((end) => end.code).join(", ")}`);
  }
  must(cases() === before, "after the pods were made anew the overview is another one");
  say("every pod was made anew, and what it had stored is there");
}

try {
  await main();
  process.exit(0);
} catch (error) {
  const logs = path.join(source, "build/k8s/logs");
  fs.rmSync(logs, { recursive: true, force: true });
  fs.mkdirSync(logs, { recursive: true });
  for (const file of fs.readdirSync(values.work)) if (file.endsWith(".log")) fs.copyFileSync(path.join(values.work, file), path.join(logs, file));
  console.error(`${overlay}: ${error.message.split("\n")[0]}; what every pod said is in build/k8s/logs`);
  process.exit(1);
}
