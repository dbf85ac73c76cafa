"use strict";
/* One word by a man and a woman: 20 features of each layer, lit where the chosen voice activates them. */
otoscope.shard("words").then((all) => {
  const { $, make, shard, hash, setHash, onHash, announce, free, lost, tell, settle, player, playButton } = otoscope;
  const { MEANT, table, meaning } = otoscope.wordTable;
  const FEW = 40;
  const state = { model: all.models[0], word: 0, voice: "both" };
  let entry = null;
  let asked = 0;

  const chosen = () => document.querySelector("input[name=voice]:checked").value;

  /* ---- words ---- */
  function chips() {
    $("find").hidden = state.model.words.length <= FEW;
    const sought = $("find").hidden ? "" : $("sought").value.trim().toLowerCase();
    const found = state.model.words.map((word, at) => [word, at]).filter(([word]) => word.toLowerCase().includes(sought));
    $("chips").replaceChildren(...found.map(([word, at]) => {
      const here = at === state.word;
      const button = make("button", { type: "button", "data-word": at, "aria-pressed": String(here), tabindex: here ? 0 : -1 }, word);
      button.addEventListener("click", () => choose(at));
      return button;
    }));
    if (found.length && !$("chips").querySelector('[tabindex="0"]')) $("chips").firstChild.tabIndex = 0;
    if (!found.length) $("chips").append(make("span", { class: "soft" }, "no such word"));
  }

  /* ---- voices ---- */
  function voice(sex, of) {
    const who = `the ${MEANT[sex]}${of.speaker ? `, ${of.speaker}` : ""}`;
    const where = of.utterance ? `${of.utterance}${of.start_s === null ? "" : ` at ${of.start_s.toFixed(2)} s`}` : "";
    const button = playButton(of.sound, `“${state.model.words[state.word]}” by ${who}`);
    button.dataset.sex = sex;
    return make("span", { class: `voice ${sex}` }, button, make("span", {}, who, make("small", {}, where)));
  }
  function voices() {
    const there = ["female", "male"].filter((sex) => entry.voices[sex]);
    const parts = there.map((sex) => voice(sex, entry.voices[sex]));
    if (there.length === 2 && there.every((sex) => entry.voices[sex].sound)) {
      const button = make("button", { type: "button", class: "turns", "aria-pressed": "false" }, "▶ one after the other");
      button.addEventListener("click", () => (player.pressed() === button && player.playing() ? player.stop() : turn(button, "female")));
      parts.push(button);
    }
    $("voices").replaceChildren(...parts);
  }
  let next = null;
  function turn(button, sex) {
    next = sex === "female" ? button : null;
    player.play({ src: entry.voices[sex].sound, label: `“${state.model.words[state.word]}” by the ${MEANT[sex]}`, button });
  }
  player.onend((button) => { if (button && button === next) turn(button, "male"); });

  function hear() {
    const wanted = state.voice === "both" ? ".turns" : `button[data-sex=${state.voice}]`;
    const button = $("voices").querySelector(wanted) || $("voices").querySelector("button.clip");
    if (button) button.click();
    else announce("There is no sound of it");
  }

  /* ---- the figure ---- */
  function legend() {
    const own = state.voice === "both" ? ["both", "female", "male", "neither"] : ["both", state.voice, "neither"];
    $("legend").replaceChildren(
      ...own.map((kind) => make("li", {}, make("i", { class: `dot ${kind}` }), meaning(kind, state.voice))),
      make("li", {}, make("i", { class: "key own" }), "overlap of this pair"),
      make("li", {}, make("i", { class: "key mean" }), "mean of all pairs, 95 %"),
      make("li", {}, make("i", { class: "key chance" }), "chance"));
  }

  function draw() {
    const scrolled = $("dots").firstChild ? $("dots").scrollLeft : 0;
    $("word").textContent = `“${state.model.words[state.word]}”`;
    legend();
    $("dots").replaceChildren(table({ model: state.model, entry, word: state.model.words[state.word], voice: state.voice }));
    $("dots").scrollLeft = scrolled;
  }

  const address = () => ({ model: state.model.name, word: state.model.words[state.word], voice: state.voice === "both" ? "" : state.voice });

  /* `how`: push, for what one would come back from. */
  async function show(how) {
    const turnOf = ++asked;
    const { model, word } = state;
    const block = await shard(`words/${model.place}/${Math.floor(word / all.block)}`);
    if (turnOf !== asked) return;
    player.clear();
    next = null;
    entry = block[word % all.block];
    $("figure").hidden = false;
    voices();
    draw();
    settle();
    setHash(address(), how);
  }

  function choose(word, how = { push: true }) {
    state.word = word;
    const had = $("chips").contains(document.activeElement);
    chips();
    const here = $("chips").querySelector('[aria-pressed="true"]');
    if (here) {
      const box = $("chips");
      box.scrollTop = Math.max(here.offsetTop - box.clientHeight / 2, 0);
      if (had) here.focus({ preventScroll: true });
    }
    announce(state.model.words[word]);
    return show(how).catch(otoscope.complain);
  }

  function useVoice(value) {
    state.voice = value;
    document.querySelector(`input[name=voice][value=${value}]`).checked = true;
  }
  function switchVoice(value) {
    useVoice(value);
    if (!entry) return;
    draw();
    settle();
    setHash(address());
    announce(value === "both" ? "both voices" : `the ${MEANT[value]}'s voice`);
  }

  /* ---- pointing and keys ---- */
  const point = (mark) => { $("told").textContent = mark.getAttribute("aria-label"); };
  $("dots").addEventListener("pointerover", (event) => { const mark = event.target.closest(".dot"); if (mark) point(mark); });
  $("dots").addEventListener("focusin", (event) => { const mark = event.target.closest(".dot"); if (mark) point(mark); });
  $("dots").addEventListener("keydown", (event) => {
    const move = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
    const here = event.target.closest(".dot");
    if (!move || !here) return;
    event.preventDefault();
    event.stopPropagation();
    const to = $("dots").querySelector(`.dot[data-column="${Number(here.dataset.column) + move[0]}"][data-row="${Number(here.dataset.row) + move[1]}"]`);
    if (!to) return;
    here.tabIndex = -1;
    to.tabIndex = 0;
    to.focus();
  });
  $("chips").addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const here = event.target.closest("button");
    if (!by || !here) return;
    event.preventDefault();
    const to = by > 0 ? here.nextSibling : here.previousSibling;
    if (to) choose(Number(to.dataset.word));
  });
  /* Letters also where a word or a dot has the focus, which have no use for them. */
  document.addEventListener("keydown", (event) => {
    const chip = event.target.closest("#chips button");
    const held = event.ctrlKey || event.metaKey || event.altKey;
    if (!free(event) && (held || !event.target.closest("#chips, #figure"))) return;
    const step = { n: 1, p: -1 }[event.key];
    if (step) {
      const word = state.word + step;
      if (word >= 0 && word < state.model.words.length) choose(word);
    } else if (event.key === "s") switchVoice(state.voice === "male" ? "female" : "male");
    else if (event.key === " " && (chip || free(event))) hear();
    else return;
    event.preventDefault();
  });

  /* ---- controls ---- */
  function useModel(name) {
    const word = state.model.words[state.word];
    state.model = all.models.find((model) => model.name === name) || all.models[0];
    $("model").value = state.model.name;
    return Math.max(0, state.model.words.indexOf(word));
  }
  async function follow() {
    const asked = hash();
    const known = all.models.some((entry) => entry.name === asked.model);
    const kept = useModel(known ? asked.model : state.model.name);
    const at = state.model.words.indexOf(asked.word);
    useVoice(Object.hasOwn(MEANT, asked.voice || "") ? asked.voice : "both");
    const gone = lost(asked, { model: all.models.map((entry) => entry.name), word: state.model.words, voice: [...Object.keys(MEANT), "both"] });
    await choose(at < 0 ? kept : at, {});
    if (gone) tell(gone);
  }
  $("model").addEventListener("change", () => choose(useModel($("model").value)));
  $("sought").addEventListener("input", chips);
  document.querySelectorAll("input[name=voice]").forEach((input) => input.addEventListener("change", () => switchVoice(chosen())));
  onHash(follow);
  follow();
}).catch(otoscope.complain);
