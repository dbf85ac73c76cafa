"use strict";
/* One player for the page, and the buttons that use it. */
otoscope.player = (() => {
  const { $ } = otoscope;
  const audio = $("audio");
  const SILENT = "Nothing playing";
  let pressed = null;
  let from = 0;
  const ended = [];
  const began = [];

  /* A button shows whether its sound is to be heard, whoever started or paused it. */
  function show(button, sounds) {
    if (!button) return;
    button.setAttribute("aria-pressed", String(sounds));
    if (button.classList.contains("clip")) button.textContent = sounds ? "❚❚" : "▶";
  }
  function release() {
    show(pressed, false);
    pressed = null;
  }
  function end() {
    const button = pressed;
    release();
    ended.forEach((callback) => callback(button));
  }

  function play({ src, label, button = null, at = 0 }) {
    release();
    pressed = button;
    show(button, true);
    document.querySelector(".transport").hidden = false;
    $("playing").textContent = label;
    from = at;
    audio.src = src;
    began.forEach((callback) => callback(button, src));
    return audio.play().catch((error) => {
      if (error.name === "AbortError") return;
      const barred = error.name === "NotAllowedError";
      $("playing").textContent = `${label}: ${barred ? "the browser waits for a click first" : "there is no such sound, or this browser cannot play it"}`;
      if (barred) release();
      else end(); // what is to follow follows
    });
  }
  function pause() {
    audio.pause();
    release();
  }
  /* Of a sound that is no longer on the page. */
  function clear() {
    pause();
    from = 0;
    audio.removeAttribute("src");
    audio.load();
    $("playing").textContent = SILENT;
  }

  audio.addEventListener("loadedmetadata", () => { if (from > 0) audio.currentTime = Math.min(from, audio.duration || from); });
  audio.addEventListener("play", () => { if (!audio.paused) show(pressed, true); });
  audio.addEventListener("pause", () => { if (audio.paused) show(pressed, false); });
  audio.addEventListener("ended", end);
  return {
    play, pause, stop: pause, clear, audio,
    time: () => (audio.readyState > 0 ? audio.currentTime : from),
    playing: () => !audio.paused && !audio.ended,
    pressed: () => pressed,
    onend: (callback) => ended.push(callback),
    onplay: (callback) => began.push(callback),
  };
})();

otoscope.playButton = (src, label) => {
  const { make, player } = otoscope;
  if (!src) return make("span", { class: "clip none", title: "no sound" }, "–", make("span", { class: "sr" }, `no sound of ${label}`));
  const button = make("button", { type: "button", class: "clip", "aria-pressed": "false", "aria-label": `Play ${label}` }, "▶");
  button.addEventListener("click", () => {
    if (player.pressed() === button && player.playing()) player.pause();
    else player.play({ src, label, button });
  });
  return button;
};
