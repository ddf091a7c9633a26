// Enrolling a passkey and signing in with it. The server makes the options and checks the answer.

const bytes = (text) => {
  const base64 = text.replaceAll("-", "+").replaceAll("_", "/");
  return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
};
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

const post = async (url, body, csrf) => {
  const headers = {};
  if (csrf) headers["X-CSRF-Token"] = csrf;
  if (body) headers["Content-Type"] = "application/json";
  const response = await fetch(url, { method: "POST", headers, body: body && JSON.stringify(body) });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.detail ?? answer.title);
  return answer;
};

// Older browsers lack the JSON forms of WebAuthn Level 3, so these are made by hand.
const creation = (options) => ({
  ...options,
  challenge: bytes(options.challenge),
  user: { ...options.user, id: bytes(options.user.id) },
  excludeCredentials: (options.excludeCredentials ?? []).map((one) => ({ ...one, id: bytes(one.id) })),
});
const request = (options) => ({
  ...options,
  challenge: bytes(options.challenge),
  allowCredentials: (options.allowCredentials ?? []).map((one) => ({ ...one, id: bytes(one.id) })),
});
const credentialJson = (credential, response) => ({
  id: credential.id,
  rawId: text(credential.rawId),
  type: credential.type,
  authenticatorAttachment: credential.authenticatorAttachment ?? undefined,
  clientExtensionResults: credential.getClientExtensionResults(),
  response,
});

const enrol = async (label, csrf) => {
  const options = await post("/api/v1/passkeys/options", null, csrf);
  const credential = await navigator.credentials.create({ publicKey: creation(options) });
  const answer = credential.response;
  const response = {
    clientDataJSON: text(answer.clientDataJSON),
    attestationObject: text(answer.attestationObject),
    authenticatorData: text(answer.getAuthenticatorData()),
    publicKeyAlgorithm: answer.getPublicKeyAlgorithm(),
    transports: answer.getTransports?.() ?? [],
  };
  const publicKey = answer.getPublicKey();
  if (publicKey) response.publicKey = text(publicKey);
  await post("/api/v1/passkeys", { label, response: credentialJson(credential, response) }, csrf);
};

const signIn = async () => {
  const options = await post("/api/v1/sign-in/options");
  const credential = await navigator.credentials.get({ publicKey: request(options) });
  const answer = credential.response;
  const response = {
    clientDataJSON: text(answer.clientDataJSON),
    authenticatorData: text(answer.authenticatorData),
    signature: text(answer.signature),
  };
  if (answer.userHandle) response.userHandle = text(answer.userHandle);
  await post("/api/v1/sign-in", { response: credentialJson(credential, response) });
};

const on = (form, said, act) =>
  form?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    said.hidden = true;
    try {
      if (!window.PublicKeyCredential) throw new Error("this browser has no passkeys, or the page is not on https or localhost");
      await act();
    } catch (error) {
      said.textContent = error.name === "NotAllowedError" ? "No passkey was used. Try again when you are ready." : `That did not work: ${error.message}`;
      said.hidden = false;
    } finally {
      button.disabled = false;
    }
  });

const enrolForm = document.getElementById("enrol");
on(enrolForm, document.getElementById("enrol-said"), async () => {
  await enrol(enrolForm.elements.label.value, enrolForm.dataset.csrf);
  location.reload();
});

const signInForm = document.getElementById("sign-in");
on(signInForm, document.getElementById("sign-in-said"), async () => {
  await signIn();
  location.assign(signInForm.dataset.next);
});
