// The check of the manifests, with one mistake of each kind put into what is rendered.
//   node --test tests/k8s/check_test.mjs     REMATCH_BIN: where the binaries are, REMATCH_RENDERED: what `./dev k8s render` gave, as OVERLAY.yaml
import assert from "node:assert/strict";
import path from "node:path";
import test from "node:test";
import { checkRules } from "../../tools/k8s/rules.mjs";
import { checkSchemas } from "../../tools/k8s/schemas.mjs";
import { readObjects } from "../../tools/k8s/cluster.mjs";

const bin = process.env.REMATCH_BIN ?? "build/dev/bin";
const rendered = process.env.REMATCH_RENDERED ?? "build/k8s";
const neighbours = () => [...readObjects("k8s/neighbours.yaml"), ...readObjects("k8s/overlays/prod/secrets.example.yaml")];

// What is wrong once `plant` has changed the objects of an overlay, or what stands beside them.
async function wrongWith(overlay, plant, with_schemas) {
  const objects = readObjects(path.join(rendered, `${overlay}.yaml`));
  const beside = neighbours();
  const get = (kind, name) => {
    const found = [...objects, ...beside].find((object) => object.kind === kind && object.metadata.name === name);
    assert.ok(found, `${overlay} has no ${kind}/${name}`);
    return found;
  };
  plant(get, objects, beside);
  // The compiler that knows all fields takes a second, so it is asked where it must answer.
  return [...(with_schemas ? await checkSchemas(objects) : []), ...checkRules({ objects, neighbours: beside, bin })];
}

const pod = (get, service = "mentor-service") => get("Deployment", service).spec.template.spec;
const container = (get, service) => pod(get, service).containers[0];
const remove = (list, holds) => list.splice(list.findIndex(holds), 1);

// What is planted, where, and the line that must come of it.
const MISTAKES_OF_SCHEMA = [
  ["a kind that is not there", "prod", (get) => (get("Deployment", "mentor-service").apiVersion = "apps/v2"), /there is no Deployment in apps\/v2/],
  ["a value of the wrong type", "prod", (get) => (container(get).ports[0].containerPort = "4001"), /containers\[0\]\.ports\[0\]\.containerPort must be integer/],
  ["a misspelt field", "prod", (get) => (container(get).resource = {}), /Deployment\/mentor-service: spec\.template\.spec\.containers\[0\]\.resource is no field/],
  ["a field that is missing", "prod", (get) => delete get("Service", "notify-service").spec.ports[0].port, /Service\/notify-service: .*port/],
];
const MISTAKES = [
  ["two of a name", "prod", (get, objects) => objects.push(get("ConfigMap", "mentor-service")), /ConfigMap\/mentor-service: there are two/],
  ["a namespace that is not there", "prod", (get) => (get("ConfigMap", "mentor-service").metadata.namespace = "elsewhere"), /namespace 'elsewhere' is not there/],
  ["a Service without pods", "prod", (get) => (get("Service", "mentor-service").spec.selector["app.kubernetes.io/name"] = "mentors"), /Service\/mentor-service: its selector finds no pod/],
  ["a Deployment that does not find its own", "dev", (get) => (get("Deployment", "mentor-service").spec.selector.matchLabels.a = "b"), /Deployment\/mentor-service: its selector finds no pod/],
  ["a spread over nothing", "prod", (get) => (pod(get).topologySpreadConstraints[0].labelSelector.matchLabels = { a: "b" }), /a topologySpreadConstraint finds no pod/],
  ["a budget for nobody", "prod", (get) => (get("PodDisruptionBudget", "mentor-service").spec.selector.matchLabels = { a: "b" }), /PodDisruptionBudget\/mentor-service: its selector finds no pod/],
  ["an autoscaler of nothing", "prod", (get) => (get("HorizontalPodAutoscaler", "mentor-service").spec.scaleTargetRef.name = "mentors"), /there is no Deployment\/mentors to scale/],
  ["replicas that the autoscaler decides", "prod", (get) => (get("Deployment", "mentor-service").spec.replicas = 2), /replicas, which HorizontalPodAutoscaler/],
  ["a monitor of nothing", "prod", (get) => (get("ServiceMonitor", "mentor-service").spec.selector.matchLabels = { a: "b" }), /ServiceMonitor\/mentor-service: its selector finds no Service/],
  ["a monitor of a port that is not there", "prod", (get) => (get("ServiceMonitor", "mentor-service").spec.endpoints[0].port = "http"), /has no port 'http'/],
  ["a policy for nobody", "prod", (get) => (get("NetworkPolicy", "mail").spec.podSelector.matchLabels = { a: "b" }), /NetworkPolicy\/mail: its podSelector finds no pod/],
  ["a peer that is nobody", "prod", (get) => (get("NetworkPolicy", "metrics").spec.ingress[0].from[0].podSelector.matchLabels = { a: "b" }), /NetworkPolicy\/metrics: an ingress peer finds no pod/],
  ["a port that the pods do not have", "prod", (get) => (get("Service", "mentor-service").spec.ports[0].targetPort = "rpc"), /Service\/mentor-service: .* does not serve port 'rpc'/],
  ["a headless Service with a port of its own", "prod", (get) => (get("Service", "mentor-service").spec.ports[0].port = 80), /is headless/],
  ["a policy that opens a port nobody has", "prod", (get) => (get("NetworkPolicy", "database").spec.egress[0].ports[0].port = 3307), /NetworkPolicy\/database: Pod\/mariadb does not serve port '3307'/],
  ["a policy by the wrong protocol", "prod", (get) => (get("NetworkPolicy", "mail").spec.egress[0].ports[0].protocol = "UDP"), /does not serve port '587' by UDP/],
  ["a probe of a port that is not served", "prod", (get) => (container(get).readinessProbe.grpc.port = 4002), /readinessProbe asks port 4002/],
  ["a way out that is no way in", "prod", (get) => remove(get("NetworkPolicy", "notify-service").spec.ingress[0].from, (from) => from.podSelector.matchLabels["app.kubernetes.io/name"]), /lets Deployment\/request-service call Deployment\/notify-service, port 'grpc', which lets it in by no policy/],
  ["a flag that the binary does not have", "prod", (get) => container(get).args.push("--listen_anywhere"), /mentor-service has no flag --listen_anywhere/],
  ["a flag of a Job", "prod", (get) => get("Job", "mentor-service-migration").spec.template.spec.containers[0].args.push("--migrate"), /Job\/mentor-service-migration: mentor-service has no flag --migrate/],
  ["a word that is no flag", "prod", (get) => container(get).args.push("serve"), /'serve' is no flag/],
  ["an image of no binary", "prod", (get) => (container(get).image = "rematch/mentors"), /there is no binary 'mentors'/],
  ["a variable that is not given", "prod", (get) => remove(container(get).env, (one) => one.name === "DATABASE"), /names DATABASE, which is not in its environment/],
  ["a key that the ConfigMap does not have", "prod", (get) => delete get("ConfigMap", "mentor-service").data["log-level"], /ConfigMap 'mentor-service' has no key 'log-level'/],
  ["a ConfigMap that is not there", "prod", (get) => (container(get).env[0].valueFrom.configMapKeyRef.name = "mentors"), /there is no ConfigMap 'mentors'/],
  ["a Secret that is not there", "prod", (get, objects, beside) => remove(beside, (one) => one.kind === "Secret" && one.metadata.name === "mentor-service-database"), /there is no Secret 'mentor-service-database'/],
  ["a file that the Secret does not have", "prod", (get) => (get("Secret", "mentor-owner-database").stringData = { pass: "" }), /Secret 'mentor-owner-database' has no key 'password'/],
  ["a file that nothing mounts", "prod", (get) => (container(get).volumeMounts = []), /nothing is mounted that has \/etc\/rematch\/database\/password/],
  ["a mount without a volume", "dev", (get) => (pod(get).volumes = []), /there is no volume 'data'/],
  ["a claim that is not there", "dev", (get) => (get("PersistentVolumeClaim", "mentor-service").metadata.name = "mentors"), /there is no PersistentVolumeClaim 'mentor-service'/],
  ["an account that is not there", "dev", (get) => (pod(get).serviceAccountName = "mentors"), /there is no ServiceAccount 'mentors'/],
  ["a priority that is not there", "prod", (get) => (pod(get).priorityClassName = "urgent"), /there is no PriorityClass 'urgent'/],
  ["a pod that is root", "dev", (get) => (pod(get).securityContext.runAsUser = 0), /must run as a user other than root/],
  ["no seccomp", "dev", (get) => delete pod(get).securityContext.seccompProfile, /must have the seccomp profile/],
  ["a token of the cluster", "dev", (get) => delete pod(get).automountServiceAccountToken, /must be given no token/],
  ["the network of the host", "dev", (get) => (pod(get).hostNetwork = true), /must share nothing of its host/],
  ["a folder of the host", "dev", (get) => (pod(get).volumes[0] = { name: "data", hostPath: { path: "/" } }), /must mount nothing of its host/],
  ["a container that gains rights", "dev", (get) => (container(get).securityContext.allowPrivilegeEscalation = true), /must not be able to gain rights/],
  ["a root that can be written to", "dev", (get) => (container(get).securityContext.readOnlyRootFilesystem = false), /must have a root that is read-only/],
  ["capabilities", "dev", (get) => (container(get).securityContext.capabilities.add = ["NET_ADMIN"]), /must drop all capabilities/],
  ["no limit of memory", "dev", (get) => delete container(get).resources.limits, /must say what it needs/],
  ["a probe that is missing", "dev", (get) => delete container(get).startupProbe, /must have gRPC probes/],
  ["liveness that asks what readiness asks", "dev", (get) => (container(get).livenessProbe.grpc.service = container(get).readinessProbe.grpc.service), /must be asked apart/],
  ["too little grace", "dev", (get) => (pod(get).terminationGracePeriodSeconds = 12), /terminationGracePeriodSeconds must be at least 25/],
  ["a drain that nobody says", "dev", (get) => remove(container(get).args, (word) => word.startsWith("--drain_timeout")), /must say its --drain_timeout/],
  ["two on one file of SQLite", "dev", (get) => (get("Deployment", "mentor-service").spec.replicas = 2), /must be one replica, with strategy Recreate/],
  ["a rollout that takes a pod away first", "prod", (get) => (get("Deployment", "mentor-service").spec.strategy.rollingUpdate.maxUnavailable = 1), /must be rolled with maxUnavailable 0/],
  ["no budget", "prod", (get, objects) => remove(objects, (one) => one.kind === "PodDisruptionBudget"), /has no PodDisruptionBudget/],
  ["a way in at another port", "prod", (get) => (get("NetworkPolicy", "notify-service").spec.ingress[0].ports[0].port = "metrics"), /port 'grpc', which lets it in by no policy/],
  ["a policy for everybody", "prod", (get) => get("NetworkPolicy", "mentor-service").spec.ingress.push({ ports: [{ port: "grpc" }] }), /names no peers or no ports/],
  ["a policy for all ports", "prod", (get) => delete get("NetworkPolicy", "mentor-service").spec.ingress[0].ports, /names no peers or no ports/],
  ["a policy for the whole world", "prod", (get) => get("NetworkPolicy", "mail").spec.egress[0].to.push({ ipBlock: { cidr: "0.0.0.0/0" } }), /0\.0\.0\.0\/0 is everybody/],
  ["a container that is root in a pod that is not", "dev", (get) => (container(get).securityContext.runAsUser = 0), /must run as a user other than root/],
  ["a container without seccomp", "dev", (get) => (container(get).securityContext.seccompProfile = { type: "Unconfined" }), /must have the seccomp profile/],
  ["a port of the host", "dev", (get) => (container(get).ports[0].hostPort = 4001), /must share nothing of its host/],
  ["an initContainer", "dev", (get) => (pod(get).initContainers = [{}]), /initContainers are not known here/],
  ["an environment from elsewhere", "dev", (get) => (container(get).envFrom = []), /has an envFrom/],
  ["a belonging without its label", "prod", (get) => delete get("ConfigMap", "mentor-service").metadata.labels, /ConfigMap\/mentor-service: belongs to mentor-service, and has no label/],
  ["nothing that denies all", "prod", (get, objects) => remove(objects, (one) => one.metadata.name === "deny-all"), /no NetworkPolicy denies all/],
];

for (const overlay of ["dev", "prod"]) {
  test(`${overlay}: nothing is wrong`, async () => assert.deepEqual(await wrongWith(overlay, () => {}, true), []));
}
for (const [mistakes, with_schemas] of [[MISTAKES_OF_SCHEMA, true], [MISTAKES, false]]) for (const [what, overlay, plant, line] of mistakes) {
  test(`${overlay}: ${what} is noticed`, async () => {
    const wrong = await wrongWith(overlay, plant, with_schemas);
    assert.ok(wrong.some((one) => line.test(one)), `${line} is not in:\n${wrong.join("\n")}`);
  });
}
