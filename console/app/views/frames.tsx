// The panel that shows the frames as they pass.
import { useSignal } from "@preact/signals";
import { frames, paused, toggle, type Passed } from "../frames";
import { Icon } from "../icons";
import { connection } from "../session";

const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 });

export function Frames() {
  const filter = useSignal("");
  const wanted = filter.value.trim().toLowerCase();
  const shown = wanted === "" ? frames.value : frames.value.filter(({ name, text }) => name.includes(wanted) || text.toLowerCase().includes(wanted));
  return (
    <aside class="frames card" aria-labelledby="frames-title">
      <header>
        <h2 id="frames-title">Frames</h2>
        <span class={`state ${connection.value}`}>{connection.value}</span>
        <span class="tools">
          <button type="button" class="icon-button" aria-pressed={paused.value} aria-label={paused.value ? "Go on" : "Pause"} title={paused.value ? "Go on" : "Pause"} onClick={() => (paused.value = !paused.value)}>
            <Icon name={paused.value ? "play" : "pause"} size={18} />
          </button>
          <button type="button" class="icon-button" aria-label="Clear" title="Clear" onClick={() => (frames.value = [])}><Icon name="bin" size={18} /></button>
          <button type="button" class="icon-button" aria-label="Close the panel" title="Close" onClick={toggle}><Icon name="close" size={18} /></button>
        </span>
      </header>
      <input class="field" type="search" aria-label="Show only frames with" placeholder="Filter, such as message" value={filter} onInput={({ currentTarget }) => (filter.value = currentTarget.value)} />
      {shown.length === 0 ? (
        <p class="empty small">{frames.value.length === 0 ? "Nothing has passed yet." : "None of the last frames has that."}</p>
      ) : (
        <ol aria-label="Frames, the last first" tabIndex={0}>
          {shown.map((frame) => <Frame key={frame.key} frame={frame} />)}
        </ol>
      )}
    </aside>
  );
}

function Frame({ frame }: { frame: Passed }) {
  return (
    <li class={`frame-line ${frame.out ? "out" : "in"} ${frame.t}`}>
      <details>
        <summary>
          <span class="way" aria-hidden="true">{frame.out ? "↑" : "↓"}</span>
          <span class="hidden">{frame.out ? "sent" : "received"} </span>
          <span class="name">{frame.name}</span>
          <span class="kind">{frame.t === "command" ? "" : frame.t}</span>
          <span class="about">{frame.about}</span>
          <time>{CLOCK.format(frame.at)}</time>
        </summary>
        <pre tabIndex={0}>{frame.text}</pre>
      </details>
    </li>
  );
}
