"use strict";
/* Importance masks: frames, mask and masked frames drawn over time, the search, and how it sounds. */
otoscope.shard("masks").then((all) => {
  const { $, make, shard, hash, setHash, onHash, onTheme, announce, astray, settle, free, player, drawing, lanesOf } = otoscope;
  const { names } = all;
  const { percent, number, open, colours, scale, paint, controls, charts } = drawing;
  const PICTURE_MS = 160;
  const state = { model: all.models[0], utterance: 0, mask: 0, shown: "mask", step: 0 };
  let heard = null; // the shard of the utterance
  let one = null; // its mask that is shown
  let drawn = null; // its unpacked arrays
  let current = null; // button of the sound that the space bar plays
  let asked = 0;

  const seconds = () => heard.duration_s || 1;
  const named = ({ scope, label }) => (scope === "utterance" ? "the whole utterance" : `the ${scope} “${label}”`);

  /* ---- pictures ---- */
  const shot = () => (state.shown === "mask" ? drawn.shots[state.step] : drawn.kept[state.shown]);

  function pictures(still = true) {
    if (!drawn) return;
    const of = scale(drawn);
    const { zero, kept, out } = colours();
    const mask = shot();
    if (still) paint($("input"), drawn, (i) => of[drawn.pixels[i]]);
    paint($("mask"), drawn, (i) => (mask[i] ? kept : out));
    paint($("masked"), drawn, (i) => (mask[i] ? of[drawn.pixels[i]] : zero));
    const share = mask.reduce((total, entry) => total + entry, 0) / drawn.count;
    const last = state.step === drawn.shots.length - 1;
    const text = state.shown === "mask"
      ? `step ${drawn.steps[state.step]} of ${drawn.steps[drawn.steps.length - 1]}${last ? ", the result" : ""}: ${percent(share, 1)} kept`
      : `${names[state.shown]}: ${percent(share, 1)} kept`;
    $("at").textContent = text;
    $("step").setAttribute("aria-valuetext", text);
  }

  function lanes() {
    $("lanes").style.setProperty("--seconds", seconds());
    $("lanes").replaceChildren(...lanesOf(heard, one, drawn));
    current = $("lanes").querySelector("button.clip");
  }

  /* ---- the search ---- */
  let timer = null;
  function halt() {
    clearInterval(timer);
    timer = null;
    $("animate").setAttribute("aria-pressed", "false");
    $("animate").textContent = "▶ the search";
  }
  function go(step) {
    if (!drawn) return;
    state.step = Math.min(Math.max(step, 0), drawn.shots.length - 1);
    $("step").value = state.step;
    pictures(false);
  }
  function use(name) {
    halt();
    state.shown = name;
    document.querySelectorAll("#which input").forEach((input) => { input.checked = input.value === name; });
    for (const id of ["step", "animate"]) $(id).disabled = name !== "mask";
    document.querySelectorAll("#controls tbody tr").forEach((row) => row.classList.toggle("here", row.dataset.mask === name));
    pictures(false);
  }
  $("animate").addEventListener("click", () => {
    if (timer) { halt(); return; }
    $("animate").setAttribute("aria-pressed", "true");
    $("animate").textContent = "❚❚ the search";
    if (state.step === drawn.shots.length - 1) go(0);
    timer = setInterval(() => { if (state.step === drawn.shots.length - 1) halt(); else go(state.step + 1); }, PICTURE_MS);
  });
  $("step").addEventListener("input", () => { halt(); go(Number($("step").value)); });

  function tools() {
    $("search").hidden = !drawn;
    if (!drawn) return;
    $("which").replaceChildren(make("legend", {}, "Mask"), ...Object.keys(names).filter((name) => drawn.kept[name]).map((name) => {
      const input = make("input", { type: "radio", name: "which", value: name });
      input.addEventListener("change", () => use(name));
      return make("label", {}, input, names[name]);
    }));
    $("step").max = drawn.shots.length - 1;
    state.step = drawn.shots.length - 1;
    $("step").value = state.step;
  }

  /* ---- the cursor, while a sound plays ---- */
  let frame = 0;
  function follow() {
    cancelAnimationFrame(frame);
    const mine = current && player.pressed() === current;
    $("figure").classList.toggle("playing", Boolean(mine));
    if (!mine) return;
    $("lanes").style.setProperty("--at", Math.min(player.time() / seconds(), 1));
    frame = requestAnimationFrame(follow);
  }
  player.onplay((button) => {
    if (button && $("lanes").contains(button)) { current = button; setTimeout(follow); }
  });
  player.onend(follow);
  $("lanes").addEventListener("click", (event) => {
    const track = event.target.closest(".track");
    if (!track || !current || !current.dataset.sound) return;
    const row = track.closest(".lane").querySelector("button.clip") || current;
    const box = track.getBoundingClientRect();
    const at = seconds() * (event.clientX - box.left) / box.width;
    const sound = one.sounds[Number(row.dataset.sound)];
    if (player.pressed() === row && player.playing()) player.audio.currentTime = at;
    else player.play({ src: sound.src, label: `${sound.name}: ${sound.text || "nothing"}`, button: row, at });
  });

  /* ---- which mask ---- */
  function options(select, entries, at) {
    select.replaceChildren(...entries.map((text, value) => make("option", { value }, text)));
    select.value = at;
  }
  /* What was said stands above what the recogniser heard; an unknown one leaves its line away. */
  function quotations() {
    const quoted = { said: heard.reference, heard: heard.text };
    $("said-by").textContent = heard.speaker ? `${heard.speaker} said` : "said";
    $("heard-by").textContent = `heard by ${state.model.name}`;
    for (const [id, text] of Object.entries(quoted)) {
      $(id).textContent = text ? `“${text}”` : "";
      $(id).parentElement.hidden = !text;
    }
  }
  function draw(push) {
    one = heard.masks[state.mask];
    drawn = open(one.arrays, heard.inputs);
    const { name } = state.model;
    $("figure").hidden = false;
    const kept = one.rows.find((row) => row.mask === "mask");
    quotations();
    $("facts").textContent = [name, heard.id, `${number(heard.duration_s, 1)} s`,
      `to keep ${named(one)}: ${kept ? percent(kept.share_kept, 1) : "–"} of the entries`].filter(Boolean).join(" · ");
    $("remark").hidden = !one.remark;
    $("remark").textContent = one.remark;
    tools();
    lanes();
    $("controls").replaceChildren(...controls(one.rows, names));
    use("mask");
    pictures();
    charts($("curves"), one.curves, "this mask");
    charts($("means"), state.model.means[one.scope], `all ${one.scope} masks of ${name}`);
    if ($("means-title")) $("means-title").textContent = `Mean curves: ${name}, ${one.scope}`;
    const { scope, span } = one;
    setHash({ model: name, utterance: heard.id, scope: scope === "utterance" ? "" : scope, span }, { push });
  }
  async function show(push) {
    const turn = ++asked;
    const { model, utterance } = state;
    options($("utterance"), model.utterances.map(({ id, text, reference }) => [id, reference || text].filter(Boolean).join(": ")), utterance);
    options($("scope"), model.utterances[utterance].masks.map(named), state.mask);
    $("model").value = model.name;
    const found = await shard(`masks/${model.place}/${utterance}`);
    if (turn !== asked) return;
    halt();
    player.clear();
    heard = found;
    draw(push);
  }
  /* The same kind of mask of another utterance, else its first one. */
  function find(utterance, scope, span) {
    const { masks } = state.model.utterances[utterance];
    const exact = masks.findIndex((mask) => mask.scope === scope && (!span || mask.span === span));
    const alike = masks.findIndex((mask) => mask.scope === scope);
    state.utterance = utterance;
    state.mask = Math.max(exact >= 0 ? exact : alike, 0);
  }
  const scoped = () => (one ? one.scope : "utterance");
  function useModel(name) {
    const id = state.model.utterances[state.utterance].id;
    state.model = all.models.find((model) => model.name === name) || all.models[0];
    return Math.max(0, state.model.utterances.findIndex((utterance) => utterance.id === id));
  }
  /* What a link asks for; what of it there is not is told. */
  function read(asked) {
    const kept = useModel(asked.model || state.model.name);
    const { utterances } = state.model;
    const at = utterances.findIndex(({ id }) => id === asked.utterance);
    find(at < 0 ? kept : at, asked.scope || "utterance", asked.span);
    const { masks } = utterances[state.utterance];
    astray(asked, {
      model: all.models.map((model) => model.name), utterance: utterances.map(({ id }) => id),
      scope: masks.map((mask) => mask.scope), span: masks.map((mask) => mask.span),
    });
    show(false).catch(otoscope.complain);
  }
  /* What is chosen by hand can be gone back from. */
  function choose() {
    settle();
    show(true).catch(otoscope.complain);
  }
  function step(by) {
    const to = state.utterance + by;
    const next = state.model.utterances[to];
    if (!next) return;
    find(to, scoped());
    choose();
    announce(`utterance ${next.id}`);
  }
  $("model").addEventListener("change", () => { find(useModel($("model").value), scoped()); choose(); });
  $("utterance").addEventListener("change", () => { find(Number($("utterance").value), scoped()); choose(); });
  $("scope").addEventListener("change", () => { state.mask = Number($("scope").value); choose(); });

  function sound(key) {
    const button = $("lanes").querySelectorAll(".clip")[key - 1];
    if (button && button.dataset.sound) button.click();
  }
  function press({ key }) {
    if (key === "n" || key === "p") step(key === "n" ? 1 : -1);
    else if ((key === "ArrowLeft" || key === "ArrowRight") && drawn && state.shown === "mask") {
      halt();
      go(state.step + (key === "ArrowRight" ? 1 : -1));
    } else if (key === " " && current) current.click();
    else if (/^[1-9]$/.test(key)) sound(key);
    else return false;
    return true;
  }
  /* From one play button to the next sound, too: it needs none of these keys itself. */
  const playing = (event) => event.target.closest("#lanes .clip") && /^[1-9np]$/.test(event.key) && !(event.altKey || event.ctrlKey || event.metaKey);
  document.addEventListener("keydown", (event) => {
    if (heard && (free(event) || playing(event)) && press(event)) event.preventDefault();
  });
  onTheme(() => pictures());
  onHash(read);
  read(hash());
}).catch(otoscope.complain);
