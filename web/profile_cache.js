/** A command of the page: empty the cache of profiles. */

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";
import { wordsOf } from "./language/words.js";
import { sizeWords } from "./mask/words.js";
import { ask } from "./shared/server.js";

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
  /** @type {[Comfy.Toast["severity"], string, string]} */
  const [severity, summary, detail] = await ask(api, words, "empty_cache", {}, "").then(
    ({ profiles, bytes }) => [
      "success",
      words.cacheEmpty,
      words.cacheEmptied(profiles, sizeWords(bytes, words.locale)),
    ],
    ({ message: fault }) => ["error", words.emptyCache, fault],
  );
  app.extensionManager.toast.add({ severity, summary, detail, life: SHOWN });
}
