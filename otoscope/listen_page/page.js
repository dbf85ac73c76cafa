"use strict";
(() => {
  const GAP_MS = 400; // between the sounds of a question
  const AT_ONCE = 6; // sounds loaded at a time
  const MOST_MS = 86400000; // the longest time that the server takes: a day
  const STALE = ["order", "answered", "question"]; // refusals of a page that is behind: it begins again
  const GONE = ["unknown", "damaged"]; // of a listener whose answers are no longer there to go on with
  const $ = (id) => document.getElementById(id);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const isName = (text) => /^[a-z0-9][a-z0-9_-]{0,31}$/.test(text);
  const GREETING = $("greeting").textContent;
  const blobs = new Map(); // sound: where its bytes lie in this page
  let listener = new URLSearchParams(location.search).get("listener") || "";
  if (!isName(listener)) listener = "";
  let session = null; // tab, answered, total, ahead
  let trial = null; // the question on the page
  let playing = null; // the sound that plays now; its index is -1 for the volume check
  let turn = 0; // of what was asked for last; what was asked for before gives way
  let checked = false; // the volume

  /* ---- pages ---- */
  function show(name) {
    for (const section of all("main > section")) section.hidden = section.id !== name;
    $("alert").hidden = true;
    $("who").textContent = name === "welcome" ? "" : listener;
    $(name).querySelector("h1").focus();
  }
  function warn(text) {
    $("alert").textContent = text;
    $("alert").hidden = false;
  }
  function fail(text, again) {
    stop();
    show("broken");
    $("reason").textContent = text;
    $("again").onclick = again;
  }

  /* ---- asking the server ---- */
  class Refusal extends Error {
    constructor(facts) {
      super(facts.message);
      this.code = facts.error;
      this.facts = facts;
    }
  }
  async function ask(address, body) {
    const post = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    let response, facts;
    try {
      response = await fetch(address, body === undefined ? {} : post);
      facts = await response.json();
    } catch {
      throw new Error("The test cannot be reached. Is it still running?");
    }
    if (!response.ok) throw new Refusal(facts);
    return facts;
  }
  async function load(name) {
    for (const pause of [300, 1000, 0]) {
      if (blobs.has(name)) return blobs.get(name);
      try {
        const response = await fetch(`/audio/${name}`);
        if (response.ok) blobs.set(name, URL.createObjectURL(await response.blob()));
      } catch { /* asked again below */ }
      if (!blobs.has(name)) await wait(pause);
    }
    if (!blobs.has(name)) throw new Error("A recording could not be loaded. Is the test still running?");
    return blobs.get(name);
  }

  /* ---- sound ---- */
  function stop() {
    turn += 1;
    if (playing) playing.finish(false);
  }
  /* Plays one sound; resolves to whether it was heard to its end. */
  async function play(name, index, button) {
    const mine = turn;
    const audio = new Audio(await load(name));
    if (mine !== turn) return false;
    const disc = button.querySelector(".disc");
    return new Promise((resolve) => {
      let frame = 0;
      const draw = () => {
        if (disc && audio.duration) disc.style.setProperty("--done", String(audio.currentTime / audio.duration));
        frame = requestAnimationFrame(draw);
      };
      const finish = (heard) => {
        if (playing === null || playing.audio !== audio) return;
        playing = null;
        audio.pause();
        cancelAnimationFrame(frame);
        button.classList.remove("playing");
        if (disc) disc.style.removeProperty("--done");
        resolve(heard);
      };
      playing = { audio, index, finish };
      button.classList.add("playing");
      audio.onended = () => finish(true);
      audio.onerror = () => { finish(false); warn("This browser cannot play the recordings (FLAC). Please use another one."); };
      audio.play().catch((error) => {
        if (error.name !== "AbortError" && error.name !== "NotSupportedError") warn(`The sound did not start: ${error.message}`);
        finish(false);
      });
      draw();
      if (index >= 0) paint();
    });
  }

  /* ---- a question ---- */
  const voices = all(".voice");
  const choices = all(".choice");
  const NAMES = ["voice 1", "voice 2", "the third recording: who is this?"];
  const heardAll = () => trial.heard.every(Boolean);

  function paint() {
    voices.forEach((button, index) => {
      const on = playing !== null && playing.index === index;
      const heard = trial.heard[index];
      button.classList.toggle("heard", heard && !on);
      button.querySelector(".state").textContent = on ? "playing" : heard ? "heard" : "not heard yet";
      button.setAttribute("aria-label", `${on ? "Stop" : "Play"} ${NAMES[index]} ${heard ? "(heard)" : "(not heard yet)"}`);
    });
    for (const button of choices) button.disabled = !heardAll() || trial.sent !== "";
    const text = trial.sent ? "" : heardAll() ? "Whose is the third recording?" : "Listen to all three, then answer.";
    if ($("say").textContent !== text) $("say").textContent = text; // read aloud only when it changes
  }
  function next() {
    if (session.ahead.length === 0) {
      show("thanks");
      $("count").textContent = `All ${session.total} answers are saved.`;
      return;
    }
    const { question, sounds } = session.ahead[0];
    trial = { question, sounds, heard: [false, false, false], plays: [0, 0, 0], shown: performance.now(), ready: null, sent: "" };
    for (const button of choices) button.classList.remove("chosen");
    $("number").textContent = `Question ${session.answered + 1} of ${session.total}`;
    $("done").max = session.total;
    $("done").value = session.answered;
    show("question");
    paint();
  }
  /* Plays these sounds of the question one after the other, until something else is asked for. */
  async function hear(indices) {
    stop();
    const mine = turn;
    const of = trial;
    for (const [place, index] of indices.entries()) {
      if (place > 0) await wait(GAP_MS);
      if (mine !== turn) return;
      of.plays[index] += 1;
      let heard = false;
      try {
        heard = await play(of.sounds[index], index, voices[index]);
      } catch (error) {
        warn(error.message);
      }
      if (of !== trial) return;
      if (heard) of.heard[index] = true;
      if (heardAll() && of.ready === null) of.ready = performance.now();
      paint();
      if (!heard) return;
    }
  }
  function playOrStop() {
    if (trial.sent) return;
    if (playing) { stop(); return; }
    const open = [0, 1, 2].filter((index) => !trial.heard[index]);
    hear(open.length ? open : [0, 1, 2]);
  }
  function answer(side) {
    if (!heardAll() || trial.sent) return;
    const now = performance.now();
    const since = (then) => Math.min(MOST_MS, Math.round(now - then)); // a question may stay open for days
    trial.sent = side;
    stop();
    for (const button of choices) button.classList.toggle("chosen", button.dataset.answer === side);
    paint();
    send({
      listener, tab: session.tab, question: trial.question, answer: side, plays: trial.plays,
      response_ms: since(trial.ready), total_ms: since(trial.shown),
    });
  }
  async function send(body) {
    try {
      session.answered = (await ask("/api/answer", body)).answered;
    } catch (error) {
      if (error.code === "elsewhere") show("elsewhere");
      else if (STALE.includes(error.code)) begin();
      else if (GONE.includes(error.code)) forget(error.message);
      else fail(`Your answer is not saved yet. ${error.message}`, () => { show("question"); send(body); });
      return;
    }
    session.ahead.shift();
    await wait(150); // long enough to see what was chosen
    if (!$("question").hidden) next();
  }

  /* ---- begin, and go on ---- */
  async function begin() {
    stop();
    try {
      session = await ask("/api/open", { listener });
    } catch (error) {
      if (GONE.includes(error.code)) forget(error.message);
      else fail(error.message, begin);
      return;
    }
    history.replaceState(null, "", `?listener=${encodeURIComponent(listener)}`);
    if (channel) channel.postMessage(listener);
    if (await preload()) next();
  }
  async function preload() {
    const queue = session.ahead.flatMap(({ sounds }) => sounds);
    const total = queue.length;
    let done = 0;
    const tell = () => {
      $("loaded").value = total ? done / total : 1;
      $("loaded-text").textContent = `${done} of ${total}`;
    };
    const worker = async () => {
      while (queue.length) { await load(queue.shift()); done += 1; tell(); }
    };
    show("loading");
    tell();
    try {
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
      return true;
    } catch (error) {
      queue.length = 0;
      fail(error.message, begin);
      return false;
    }
  }
  function welcome() {
    const back = `Welcome back, ${listener}. Your answers are kept: set your volume and go on where you stopped.`;
    $("greeting").textContent = listener ? back : GREETING;
    $("start").textContent = listener ? "Go on" : "Start";
    $("name").value = listener;
    checked = checked || listener !== "";
    show("welcome");
  }
  function forget(reason) {
    listener = "";
    history.replaceState(null, "", location.pathname);
    welcome();
    complain(`${reason}.`);
  }
  function complain(text) {
    $("name-wrong").textContent = text;
    $("taken").hidden = true;
  }

  $("enter").addEventListener("submit", async (event) => {
    event.preventDefault();
    complain("");
    const name = $("name").value.trim().toLowerCase().replace(/\s+/g, "-");
    if (!isName(name)) {
      complain("Please give a name of letters a to z, digits, - and _.");
      $("name").focus();
    } else if (!checked) {
      complain("Please play the sample above first, and set your volume.");
      $("check").focus();
    } else if (name === listener) begin();
    else {
      try {
        await ask("/api/register", { listener: name });
        listener = name;
        begin();
      } catch (error) {
        complain(error.code === "taken" ?
          `${name} has begun already, with ${error.facts.answered} of ${error.facts.total} questions answered. Is that you?` : error.message);
        $("taken").hidden = error.code !== "taken";
        $("resume").onclick = () => { listener = name; complain(""); begin(); };
      }
    }
  });
  $("other").addEventListener("click", () => {
    complain("");
    $("name").value = "";
    $("name").focus();
  });
  $("here").addEventListener("click", begin);
  $("check").addEventListener("click", async () => {
    const was = playing;
    stop(); // what is still being loaded gives way too
    if (was) return;
    try {
      const { sound } = await ask("/api/check");
      checked = true;
      $("check-text").textContent = "Stop";
      await play(sound, -1, $("check"));
    } catch (error) {
      warn(error.message);
    }
    $("check-text").textContent = "Play it again";
  });

  for (const button of voices) {
    button.addEventListener("click", (event) => {
      if (event.detail > 0) button.blur(); // after the mouse, Space does what it always does
      const index = Number(button.dataset.sound);
      if (trial.sent) return;
      if (playing && playing.index === index) stop();
      else hear([index]);
    });
  }
  for (const button of choices) button.addEventListener("click", () => answer(button.dataset.answer));
  document.addEventListener("keydown", (event) => {
    if ($("question").hidden || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "1") answer("a");
    else if (event.key === "2") answer("b");
    else if (event.key === " " && !event.target.closest("button")) playOrStop();
    else return;
    event.preventDefault();
  });

  /* Another tab of this browser that opens the same test ends this one at once. */
  const channel = "BroadcastChannel" in window ? new BroadcastChannel("listening-test") : null;
  if (channel) channel.onmessage = ({ data }) => {
    if (data !== listener || session === null || !$("thanks").hidden || !$("welcome").hidden) return;
    stop();
    show("elsewhere");
  };
  welcome();
})();
