/** A command of the page: empty the cache of profiles. */

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";
import { wordsOf } from "./language/words.js";
import { sizeWords } from "./mask/words.js";

const COMMAND = "ForgetItAll.EmptyCache";
const SHOWN = 6000; // milliseconds

app.registerExtension({
  name: "ForgetItAll.ProfileCache",
  commands: [
    {
      id: COMMAND,
      label: () => wordsOf(app).emptyCache,
      icon: "pi pi-trash",
      function: emptyCache,
    },
  ],
  menuCommands: [{ path: ["Edit"], commands: [COMMAND] }],
});

async function emptyCache() {
  const words = wordsOf(app);
  const { dialog } = app.extensionManager;
  const message = words.emptyCacheQuestion;
  if (!(await dialog.confirm({ title: words.emptyCache, message, type: "delete" }))) {
    return;
  }
  const path = "/forget_it_all/empty_cache";
  const response = await api.fetchApi(path, { method: "POST" }).catch(() => null);
  if (!response) {
    app.extensionManager.toast.add({
      severity: "error",
      summary: words.emptyCache,
      detail: words.noAnswer,
      life: SHOWN,
    });
    return;
  }
  const answer = await response.json().catch(() => ({}));
  const summary = response.ok ? words.cacheEmpty : words.answered(response.status);
  const detail = response.ok
    ? words.cacheEmptied(answer.profiles, sizeWords(answer.bytes, words.locale))
    : String(answer.error ?? "");
  const severity = response.ok ? "success" : "error";
  app.extensionManager.toast.add({ severity, summary, detail, life: SHOWN });
}
