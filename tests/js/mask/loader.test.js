import { en } from "../../../web/language/en.js";
import { MaskLoader } from "../../../web/mask/loader.js";
import { fakeDocument } from "./elements.js";

/**
 * @typedef {object} Answer one that the server has not given yet
 * @property {(value: string) => void} give
 * @property {(reason: Error) => void} refuse
 */

beforeAll(() => {
  vi.stubGlobal("document", fakeDocument());
});

afterAll(() => {
  vi.unstubAllGlobals();
});

/**
 * A loader that shows a.safetensors, on a server that answers some questions when it is told to; it
 * does not have gone.safetensors.
 */
async function shown() {
  /** @type {Answer[]} */
  const answers = [];
  /** @returns {Promise<string>} */
  const later = () =>
    new Promise((give, refuse) => {
      answers.push({ give, refuse });
    });
  const card = async (/** @type {string} */ title) => ({ title, architecture: "", rows: [], may_embed: true });
  const cardOfFile = vi.fn(async (/** @type {string} */ name) =>
    name === "gone.safetensors" ? null : card(name),
  );
  /** @type {any} */
  const server = { cardOfFile, cardOfText: card, textOfFile: later, upload: later };
  const values = ["a.safetensors", "b.safetensors"];
  /** @type {any} */
  const file = { value: "a.safetensors", options: { values } };
  /** @type {any} */
  const text = { value: "" };
  const loader = new MaskLoader({
    server,
    file: () => file,
    text,
    models: () => [],
    onChange: () => {},
    words: en,
  });
  file.callback = () => void loader.update();
  await loader.update();
  cardOfFile.mockClear();
  return { loader, answers, file, text, cardOfFile };
}

/** @param {string} name */
function upload(name) {
  return /** @type {File} */ ({ name });
}

/**
 * @param {Comfy.Widget} file
 * @param {string} name
 */
function choose(file, name) {
  file.value = name;
  file.callback?.(name);
}

/**
 * What the panel shows and lets one do, once everything has been answered.
 *
 * @param {MaskLoader} loader
 */
async function panelOf({ panel }) {
  await new Promise((done) => {
    setTimeout(done);
  });
  return {
    title: panel.title.textContent,
    message: panel.message.textContent,
    embed: !panel.embed.hidden && !panel.embed.disabled,
  };
}

const SHOWS_A = { title: "Forgets a.safetensors", message: "", embed: true };
const SHOWS_B = { title: "Forgets b.safetensors", message: "", embed: true };

test("a file that the page does not list is offered where the server has it", async () => {
  const { loader, file, cardOfFile } = await shown();
  choose(file, "new.safetensors");
  expect(await panelOf(loader)).toEqual({ ...SHOWS_A, title: "Forgets new.safetensors" });
  expect(file.options.values).toEqual(["a.safetensors", "b.safetensors", "new.safetensors"]);
  await loader.update();
  expect(cardOfFile).toHaveBeenCalledTimes(1);
});

test("a file whose mask was embedded is asked for when that is removed", async () => {
  const { loader, file, text } = await shown();
  text.value = "AAAA";
  choose(file, "new.safetensors");
  expect((await panelOf(loader)).title).toBe("Forgets AAAA");
  expect(file.options.values).not.toContain("new.safetensors");
  loader.setText("");
  expect((await panelOf(loader)).title).toBe("Forgets new.safetensors");
  expect(file.options.values).toContain("new.safetensors");
});

test("a missing file is said so, and asked for again once it is listed", async () => {
  const { loader, file, cardOfFile } = await shown();
  choose(file, "gone.safetensors");
  const message = en.missing("gone.safetensors");
  expect(await panelOf(loader)).toEqual({ title: "", message, embed: false });
  expect(file.options.values).not.toContain("gone.safetensors");
  await loader.update();
  expect(cardOfFile).toHaveBeenCalledTimes(1);
  cardOfFile.mockResolvedValueOnce({ title: "back", architecture: "", rows: [], may_embed: true });
  file.options.values.push("gone.safetensors");
  await loader.update();
  expect(await panelOf(loader)).toEqual({ ...SHOWS_A, title: "Forgets back" });
});

test("a refusal of a file that the page does not list is told as it is", async () => {
  const { loader, file, cardOfFile } = await shown();
  cardOfFile.mockRejectedValueOnce(new Error("new.safetensors: damaged"));
  choose(file, "new.safetensors");
  const message = "new.safetensors: damaged";
  expect(await panelOf(loader)).toEqual({ title: "", message, embed: false });
  expect(file.options.values).not.toContain("new.safetensors");
});

test("the chosen file is embedded", async () => {
  const { loader, answers, text } = await shown();
  const embedding = loader.embed();
  expect(loader.panel.message.textContent).toBe("Embedding …");
  answers[0]?.give("AAAA");
  await embedding;
  expect(text.value).toBe("AAAA");
  const { title, embed } = await panelOf(loader);
  expect([title, embed]).toEqual(["Forgets AAAA", false]);
});

test("a refusal to embed is said, and it may be tried again", async () => {
  const { loader, answers, text } = await shown();
  const embedding = loader.embed();
  answers[0]?.refuse(new Error("too large"));
  await embedding;
  expect(text.value).toBe("");
  expect(await panelOf(loader)).toEqual({ ...SHOWS_A, message: "too large" });
});

test.each([
  ["text", (/** @type {Answer | undefined} */ answer) => answer?.give("AAAA")],
  ["refusal", (/** @type {Answer | undefined} */ answer) => answer?.refuse(new Error("gone"))],
])("the %s of a file is dropped when another file has been chosen", async (_, reply) => {
  const { loader, answers, file, text } = await shown();
  const embedding = loader.embed();
  choose(file, "b.safetensors");
  reply(answers[0]);
  await embedding;
  expect(text.value).toBe("");
  expect(await panelOf(loader)).toEqual(SHOWS_B);
});

test("a file that was left and chosen again waits for another press", async () => {
  const { loader, answers, file, text } = await shown();
  const embedding = loader.embed();
  choose(file, "b.safetensors");
  choose(file, "a.safetensors");
  answers[0]?.give("AAAA");
  await embedding;
  expect(text.value).toBe("");
  expect(await panelOf(loader)).toEqual(SHOWS_A);
});

test("a file that was set without a word is seen when the answer comes", async () => {
  const { loader, answers, file, text } = await shown();
  const embedding = loader.embed();
  file.value = "b.safetensors";
  answers[0]?.give("AAAA");
  await embedding;
  expect(text.value).toBe("");
  expect(await panelOf(loader)).toEqual(SHOWS_B);
});

test("what was embedded meanwhile stays", async () => {
  const { loader, answers, file, text } = await shown();
  const first = loader.embed();
  choose(file, "b.safetensors");
  await panelOf(loader);
  const second = loader.embed();
  answers[1]?.give("BBBB");
  await second;
  answers[0]?.give("AAAA");
  await first;
  expect(text.value).toBe("BBBB");
});

test("an upload that is stored before the answer comes wins", async () => {
  const { loader, answers, file, text } = await shown();
  const embedding = loader.embed();
  const uploading = loader.upload(upload("c.safetensors"));
  answers[1]?.give("c.safetensors");
  await uploading;
  answers[0]?.give("AAAA");
  await embedding;
  expect([file.value, text.value]).toEqual(["c.safetensors", ""]);
});

test("an upload wins over a file that is chosen while it is under way", async () => {
  const { loader, answers, file } = await shown();
  const uploading = loader.upload(upload("c.safetensors"));
  choose(file, "b.safetensors");
  answers[0]?.give("c.safetensors");
  await uploading;
  expect(file.value).toBe("c.safetensors");
});

test("of two uploads the later one wins, whichever is stored first", async () => {
  const { loader, answers, file } = await shown();
  const slow = loader.upload(upload("slow.safetensors"));
  const quick = loader.upload(upload("quick.safetensors"));
  answers[1]?.give("quick.safetensors");
  await quick;
  answers[0]?.give("slow.safetensors");
  await slow;
  expect(file.value).toBe("quick.safetensors");
  expect(file.options.values).toContain("slow.safetensors");
});

test("an upload wins over a later one that is refused", async () => {
  const { loader, answers, file } = await shown();
  const slow = loader.upload(upload("slow.safetensors"));
  const refused = loader.upload(upload("lora.safetensors"));
  answers[1]?.refuse(new Error("no mask"));
  await refused;
  answers[0]?.give("slow.safetensors");
  await slow;
  expect(file.value).toBe("slow.safetensors");
});
