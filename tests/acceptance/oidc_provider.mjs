// An OpenID provider with everything of its own: discovery, keys, and a token endpoint that gives access tokens as JWTs.
//   node oidc_provider.mjs PORT FOLDER KEY…
// Keys are made when they are first named, and kept in the folder; the first one signs. To exchange keys, begin it anew.

import { generateKeyPairSync } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import Provider from "../../target/ci-tools/oidc-provider/node_modules/oidc-provider/lib/index.js";

const [port, folder, ...names] = process.argv.slice(2);

const key = (kid) => {
  const file = `${folder}/${kid}.json`;
  if (!existsSync(file)) {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    writeFileSync(file, JSON.stringify({ ...privateKey.export({ format: "jwk" }), kid, use: "sig", alg: "ES256" }));
  }
  return JSON.parse(readFileSync(file, "utf8"));
};

const client = (client_id) => ({
  client_id,
  client_secret: `secret-of-${client_id}`,
  grant_types: ["client_credentials"],
  redirect_uris: [],
  response_types: [],
  id_token_signed_response_alg: "ES256",
});

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: ["portal", "brief"].map(client),
  jwks: { keys: names.map(key) },
  extraTokenClaims: () => ({ groups: ["operators", "auditors"] }),
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      // Who asks for a token of urn:service:strongroom is given one with the audience strongroom.
      getResourceServerInfo: (_, resource, { clientId }) => ({
        scope: "",
        audience: resource.split(":").at(-1),
        accessTokenFormat: "jwt",
        accessTokenTTL: clientId === "brief" ? 2 : 600,
        jwt: { sign: { alg: "ES256" } },
      }),
    },
  },
});

provider.listen(Number(port), "127.0.0.1");
