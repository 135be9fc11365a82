// Checks custom resources against their definitions. In: a JSON list of manifests on standard input, the folder of the
// packages in NODE_PATH. Out: a JSON list of what is wrong, one entry a manifest, null where nothing is.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { join } from "node:path";

// NODE_PATH is not looked at by `import`.
const load = async (file) => import(pathToFileURL(join(process.env.NODE_PATH, "@kubernetes-models", file)));
const { HTTPRoute } = await load("gateway-api/gateway.networking.k8s.io/v1/HTTPRoute.js");
const { ServiceMonitor } = await load("prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor.js");
const { PrometheusRule } = await load("prometheus-operator/monitoring.coreos.com/v1/PrometheusRule.js");
const known = { HTTPRoute, ServiceMonitor, PrometheusRule };

const mistakes = JSON.parse(readFileSync(0, "utf8")).map((manifest) => {
  const Definition = known[manifest.kind];
  if (!Definition) return `no definition of ${manifest.kind}`;
  try {
    new Definition(manifest).validate();
    return null;
  } catch (error) {
    return error.message;
  }
});
process.stdout.write(JSON.stringify(mistakes));
