/**
 * Asks the device for a passkey: a new one where a form has `data-passkey="register"`, one to sign in with where it
 * has `data-passkey="sign-in"`. The forms are hidden where the browser can't.
 */
(() => {
  const canAsk = globalThis.PublicKeyCredential?.parseCreationOptionsFromJSON !== undefined;
  const problem = document.getElementById("passkey-problem");
  const forms = document.querySelectorAll("form[data-passkey]");

  if (!canAsk) {
    problem.textContent = "This browser offers no passkeys here.";
    return;
  }
  for (const form of forms) {
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const button = form.querySelector("button");
      problem.textContent = "";
      button.disabled = true;
      try {
        location.assign(form.dataset.passkey === "register" ? await register(form) : await signIn(form));
      } catch (error) {
        problem.textContent = words(error);
        button.disabled = false;
      }
    });
  }

  async function register(form) {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(
      await post("/profile/passkeys/options", {}),
    );
    const response = await navigator.credentials.create({ publicKey });
    const { location } = await post("/profile/passkeys", { name: form.elements.name.value, response });
    return location;
  }

  async function signIn(form) {
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(
      await post("/login/passkey/options", {}),
    );
    const response = await navigator.credentials.get({ publicKey });
    const { location } = await post("/login/passkey", { returnTo: form.dataset.returnTo, response });
    return location;
  }

  async function post(path, body) {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(body),
    });
    if (answer.status === 401 && path.startsWith("/profile/")) {
      location.assign("/login?return_to=/profile/passkeys");
    }
    const json = await answer.json();
    if (!answer.ok) throw new Error(json.error.message);
    return json;
  }

  function words(error) {
    switch (error.name) {
      case "NotAllowedError":
      case "AbortError":
        return "No passkey was used.";
      case "InvalidStateError":
        return "This device has a passkey for you already.";
      case "SecurityError":
        return "Passkeys belong to one address. Open Darkroom at the address that it prints when it starts.";
      default:
        return error.message;
    }
  }
})();
