// node validate.mjs FILE: checks each object of a JSON list with the schema that its custom resource definition has in
// the packages @kubernetes-models. Prints a line for each that is not valid; the exit status is 1 if there are any.
import {readFileSync} from 'node:fs';

const packages = {
  'keda.sh': 'keda', 'monitoring.coreos.com': 'prometheus-operator', 'gateway.networking.k8s.io': 'gateway-api',
};
for (const object of JSON.parse(readFileSync(process.argv[2], 'utf8'))) {
  const [group, version] = object.apiVersion.split('/');
  const models = await import(`@kubernetes-models/${packages[group]}/${group}/${version}`);
  try {
    new models[object.kind](object).validate();
  } catch (error) {
    console.log(`${object.kind}: ${error.message}`);
    process.exitCode = 1;
  }
}
