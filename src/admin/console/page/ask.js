// Asking the gateway, with a token where it wants one. In: a path below the admin listener. Out: its answer.

import { $ } from "/console/parts.js";

const TOKEN = "dragoman admin token";

/** Asks the gateway; asks the operator for a token where one is wanted. */
export async function ask(path, options = {}) {
  const token = sessionStorage.getItem(TOKEN);
  const headers = { ...options.headers, ...(token ? { Authorization: `Bearer ${token}` } : {}) };
  const answer = await fetch(path, { ...options, headers, cache: "no-store" });
  if (answer.status !== 401) return answer;
  // Another answer may have brought a newer token meanwhile.
  if (sessionStorage.getItem(TOKEN) === token) await askForToken(token);
  return ask(path, options);
}

let asking;
function askForToken(refused) {
  asking ??= new Promise((resolve) => {
    const dialog = $("token-dialog");
    $("token-refused").textContent = refused ? "That token was not taken." : "";
    dialog.addEventListener("close", () => {
      sessionStorage.setItem(TOKEN, $("token").value.trim());
      $("token").value = "";
      asking = undefined;
      resolve();
    }, { once: true });
    dialog.showModal();
  });
  return asking;
}
