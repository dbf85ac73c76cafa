"use strict";
/* What plays, from which moment, and what the keys do: all cells of the grid run on one clock. */
otoscope.shard("listen").then((all) => {
  const { $, make, player, announce } = otoscope;
  const grid = $("grid");
  const audio = player.audio;
  const { address, label, lay, REFERENCE } = otoscope.listening(all, { toggle, hear, mark, descend });
  const choices = otoscope.choosing(all);

  let utterance = null;        /* its shard */
  let sounds = new Map();      /* its cells by address, of all conditions */
  let rows = [];               /* of addresses, as they stand on the page */
  let places = new Map();      /* address -> { box, button, row, column } */
  let current = null;          /* where the keys are */
  let loaded = null;           /* what the player has */
  let descending = false;      /* down a column, layer after layer */
  let comparing = false;       /* between A and B, again and again */
  const marks = { a: null, b: null };

  const playable = (key) => Boolean(key && sounds.get(key) && sounds.get(key).sound);

  /* ---- playing ---- */
  function play(key, at = 0) {
    if (!playable(key)) return;
    loaded = key;
    choose(key);
    player.play({ src: sounds.get(key).sound, label: `${label(key)}, ${utterance.utterance}`, at }).then(show);
    show();
  }

  /* By hand: it ends what went on by itself. */
  function hear(key, at = 0) {
    descending = comparing = false;
    play(key, at);
  }

  function toggle(key) {
    if (key !== loaded) hear(key);
    else if (player.playing()) player.pause();
    else hear(key, audio.ended ? 0 : player.time());
    show();
  }

  function descend(keys) {
    const first = keys.find(playable);
    if (!first) return;
    hear(first);
    descending = true;
    places.get(first).button.focus({ preventScroll: true });
  }

  /* The next cell that way which has a sound. */
  function beside({ row, column }, down, right) {
    for (;;) {
      row += down;
      column += right;
      if (!rows[row] || (right && !(column in rows[row]))) return null;
      const key = rows[row][Math.min(column, rows[row].length - 1)];
      if (playable(key)) return key;
    }
  }

  /* A step takes the sound along: what plays goes on there at the same moment. */
  function move(down, right, stepping) {
    const plays = stepping && player.playing();
    const place = places.get(plays && places.has(loaded) ? loaded : current);
    const key = place && beside(place, down, right);
    if (!key) return;
    choose(key, true);
    if (!plays) return;
    comparing = false;
    play(key, player.time());
    announce(label(key));
  }

  function choose(key, focus = false) {
    const place = places.get(key);
    if (!place) return;
    if (places.has(current)) places.get(current).button.tabIndex = -1;
    current = key;
    place.button.tabIndex = 0;
    const [scene, model, layer] = JSON.parse(key);
    otoscope.setHash({ utterance: utterance.utterance, condition: scene, layer, model: model === REFERENCE ? "" : model });
    if (!focus) return;
    place.button.focus({ preventScroll: true });
    place.box.scrollIntoView({ block: "nearest" });
  }

  /* ---- two cells, A and B ---- */
  function mark(side, key) {
    const other = side === "a" ? "b" : "a";
    choose(key);
    marks[side] = marks[side] === key ? null : key;
    if (marks[side] && marks[other] === key) marks[other] = null;
    if (!marks.a || !marks.b) comparing = false;
    announce(marks[side] ? `${side.toUpperCase()} is ${label(key)}` : `${side.toUpperCase()} is free`);
    show();
  }

  function compare(side) {
    const key = marks[side];
    if (!playable(key)) return;
    if (loaded === key && player.playing()) { player.pause(); show(); return; }
    const ours = loaded === marks.a || loaded === marks.b;
    descending = false;
    comparing = true;
    play(key, ours && !audio.ended ? player.time() : 0);
    announce(`${side.toUpperCase()}: ${label(key)}`);
  }
  const swap = () => compare(loaded === marks.a ? "b" : "a");

  player.onend(() => {
    if (comparing && audio.ended) { play(loaded); return; }  /* not a sound that cannot be played: it would fail again and again */
    comparing = false;
    const place = places.get(loaded);
    const next = descending && place && rows.slice(place.row + 1).map((row) => row[place.column]).find(playable);
    descending = Boolean(next);
    if (next) { play(next); places.get(next).box.scrollIntoView({ block: "nearest" }); }
    show();
  });

  /* ---- what is seen of it ---- */
  function show() {
    const plays = player.playing();
    for (const [key, { box, button }] of places) {
      box.classList.toggle("on", key === loaded);
      button.setAttribute("aria-pressed", String(plays && key === loaded));
      for (const side of ["a", "b"]) {
        box.classList.toggle(`is-${side}`, marks[side] === key);
        box.querySelector(`[data-mark=${side}]`).setAttribute("aria-pressed", String(marks[side] === key));
      }
    }
    grid.classList.toggle("running", plays);
    const compared = $("compare");
    compared.hidden = !marks.a && !marks.b;
    if (!compared.hidden) document.querySelector(".transport").hidden = false;
    $("swap").disabled = !playable(marks.a) || !playable(marks.b);
    compared.querySelectorAll(".side").forEach((button) => {
      const key = marks[button.dataset.side];
      button.querySelector("span").textContent = key ? label(key) : `press ${button.dataset.side} on a sound`;
      button.disabled = !playable(key);
      button.setAttribute("aria-pressed", String(plays && key !== null && key === loaded));
    });
    tick();
  }

  let ticking = 0;
  function tick() {
    cancelAnimationFrame(ticking);
    if (utterance && utterance.seconds) grid.style.setProperty("--at", player.time() / utterance.seconds);
    if (player.playing()) ticking = requestAnimationFrame(tick);
  }
  for (const event of ["play", "pause", "seeked", "emptied"]) audio.addEventListener(event, show);

  function lines() {
    ({ rows, places } = lay(sounds, utterance.seconds, choices.condition(), choices.models()));
  }

  /* Where the keys begin, or go on after the grid has changed. */
  function settle(wanted) {
    const known = [wanted, current].find((key) => places.has(key)) || rows.flat().find((key) => places.has(key));
    current = null;
    if (known) choose(known);
    show();
  }

  /* ---- choosing ---- */
  function turn(key) {
    const [, model, layer] = JSON.parse(key);
    return address({ condition: choices.condition(), model, layer });
  }

  /* Another condition or other models: a sound that plays goes on in the new condition. */
  function change(event) {
    const goes = player.playing() && places.has(loaded) && event.target.name === "condition" ? turn(loaded) : null;
    const wanted = current && turn(current);
    const at = player.time();
    lines();
    settle(wanted);
    if (goes) comparing = false;
    if (goes && playable(goes)) play(goes, at);
    announce(`${places.size} sounds, ${choices.condition()}`);
  }

  async function open() {
    const number = choices.number();
    const got = await otoscope.shard(`listen/${number}`);
    if (choices.number() !== number) return false;  /* another one was chosen meanwhile */
    player.clear();
    loaded = null;
    descending = comparing = false;
    utterance = got;
    sounds = new Map(got.cells.map((entry) => [address(entry), entry]));
    const who = [got.utterance, [got.sex, got.speaker].filter(Boolean).join(" ")].filter(Boolean).join(" · ");
    $("said").replaceChildren(...(got.text ? [`“${got.text}”`] : []), make("small", {}, who));
    lines();
    return true;
  }

  async function search(asked) {
    choices.follow(asked);
    if (!await open()) return;
    const wanted = [...places.keys()].find((key) => {
      const [, model, layer] = JSON.parse(key);
      return layer === asked.layer && (!asked.model || model === asked.model);
    });
    settle(wanted);
    if (wanted) places.get(wanted).box.scrollIntoView({ block: "center" });
  }

  /* By hand: it can be gone back from. */
  async function another() {
    const wanted = current;
    otoscope.settle();
    if (!await open()) return;
    otoscope.setHash({ utterance: utterance.utterance }, { push: true });
    settle(wanted);
    announce(`${utterance.utterance}: ${utterance.text}`);
  }

  choices.onchange(change);
  choices.onutterance(() => another().catch(otoscope.complain));
  $("swap").addEventListener("click", swap);
  $("forget").addEventListener("click", () => { marks.a = marks.b = null; comparing = false; show(); });
  document.querySelectorAll("#compare .side").forEach((button) => button.addEventListener("click", () => compare(button.dataset.side)));
  const transport = document.querySelector(".transport");
  transport.prepend($("compare"));

  /* Keys work where the focus is on the sounds or on the player, and where nothing has it. */
  const focused = (event) => [...places].find(([, place]) => place.box.contains(event.target));
  const STEPS = { j: [1, 0], "]": [1, 0], k: [-1, 0], "[": [-1, 0], l: [0, 1], h: [0, -1] };
  const ARROWS = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] };
  function press(event) {
    if (event.metaKey || (event.ctrlKey && !event.getModifierState("AltGraph"))) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const here = focused(event);
    if (STEPS[key]) move(...STEPS[key], true);
    else if (ARROWS[key] && here) move(...ARROWS[key], false);
    else if (key === "x") swap();
    else if ((key === "a" || key === "b") && here) mark(key, here[0]);
    else return;
    event.preventDefault();
  }
  function begin(event) {
    if (!places.has(current) || !otoscope.free(event)) return;
    const key = event.key.toLowerCase();
    if (key === " ") toggle(current);
    else if (key === "a" || key === "b") { choose(current, true); mark(key, current); }
    else if (STEPS[key] || key === "x") press(event);
    else return;
    event.preventDefault();
  }
  grid.addEventListener("keydown", press);
  transport.addEventListener("keydown", press);
  document.addEventListener("keydown", begin);

  otoscope.onHash((asked) => search(asked).catch(otoscope.complain));
  return search(otoscope.hash());
}).catch(otoscope.complain);
