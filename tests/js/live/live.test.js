import { Live, REST } from "../../../web/live/live.js";

/** A person at a widget, and a server that answers when the test says so. */
function scene() {
  /** @type {any} */
  const made = { value: 1, asked: [], cancelled: [], told: [] };
  made.live = new Live({
    values: () => [made.value],
    queue: () =>
      new Promise((resolve, reject) => {
        made.asked.push({ value: made.value, resolve, reject });
      }),
    cancel: (run) => made.cancelled.push(run),
    report: (error) => made.told.push(error),
  });
  made.at = (/** @type {number} */ now) => made.live.look(now);
  made.answer = async (/** @type {string} */ run) => {
    made.asked.at(-1).resolve(run);
    await Promise.resolve();
    await Promise.resolve();
  };
  return made;
}

test("ten quick changes are one run, with the last value", () => {
  const made = scene();
  for (let change = 0; change < 10; change += 1) {
    made.value = change;
    made.at(change * 100);
  }
  made.at(900 + REST - 1);
  expect(made.asked).toEqual([]);
  made.at(900 + REST);
  made.at(900 + 2 * REST);
  expect(made.asked.map((/** @type {any} */ one) => one.value)).toEqual([9]);
});

test("a run that is out of date is taken back at once", async () => {
  const made = scene();
  made.at(0);
  made.at(REST);
  await made.answer("first");
  made.at(REST + 1);
  expect(made.cancelled).toEqual([]);
  made.value = 2;
  made.at(REST + 2);
  expect(made.cancelled).toEqual(["first"]);
});

test("a change while a run is posted takes that run back when its id is known", async () => {
  const made = scene();
  made.at(0);
  made.at(REST);
  made.value = 2;
  made.at(REST + 10);
  made.at(3 * REST);
  expect(made.asked.length).toBe(1); // one at a time
  await made.answer("first");
  expect(made.cancelled).toEqual(["first"]);
  made.at(3 * REST + 1);
  expect(made.asked.length).toBe(2);
});

test("a refusal is told, and the next change is followed", async () => {
  const made = scene();
  made.at(0);
  made.at(REST);
  made.asked[0].reject("refused");
  await Promise.resolve();
  await Promise.resolve();
  expect(made.told).toEqual(["refused"]);
  made.value = 2;
  made.at(2 * REST);
  made.at(3 * REST);
  expect(made.asked.length).toBe(2);
});

test("the end takes a run back, also one whose id is not yet known", async () => {
  const made = scene();
  made.at(0);
  made.at(REST);
  made.live.stop();
  await made.answer("late");
  expect(made.cancelled).toEqual(["late"]);
});
