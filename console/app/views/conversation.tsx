// What is said in one room, by whom, and how far everybody has come.
import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { deliver, giveUp, markRead, messages, openRoom, pending, react, readBefore, receipts, send, typing } from "../chat";
import { all, day, full, some, time } from "../format";
import { Icon } from "../icons";
import { Waiting } from "../pages";
import { Avatar, nameOf, people, stateWord, watch } from "../people";
import { me, plaza, sentence, type Message, type Room } from "../plaza";
import { link } from "../route";
import { say } from "../say";
import { titleOf } from "./rooms";

const TEXT_MAX = 4_000;
/** Messages of one person within this time stand together. */
const TOGETHER_MS = 5 * 60_000;
/** How often typing is told at most. */
const TYPING_EVERY_MS = 3_000;
const QUICK = ["👍", "❤️", "😂", "🎉", "🙏"];
/** This close to the end, the end stays in sight. */
const NEAR_END_PX = 120;

export function Conversation({ id, room }: { id: string; room: Room | undefined }) {
  const failed = useSignal<string | undefined>(undefined);
  const more = useSignal(true);
  const answering = useSignal<Message | undefined>(undefined);
  const field = useRef<HTMLTextAreaElement>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const following = useRef(true);
  const said = messages.value.get(id);
  const waiting = pending.value.filter((it) => it.room === id);

  useEffect(() => {
    openRoom(id).then(
      () => field.current?.focus({ preventScroll: true }),
      (error: unknown) => (failed.value = sentence(error)),
    );
  }, [id]);

  // An open channel is followed while it is on the screen.
  const visiting = room !== undefined && room.membership === undefined;
  useEffect(() => {
    if (!visiting) return;
    return plaza.socket.follow(id, { happening: () => undefined, resync: () => void openRoom(id) });
  }, [id, visiting]);

  const others = [...new Set([room?.with?.id, ...(said ?? []).map(({ sender }) => sender)])].filter((user) => user !== undefined && user !== me.value?.id).sort() as string[];
  useEffect(() => watch(others), [others.join()]);

  const last = said?.at(-1)?.seq ?? 0;
  useEffect(() => {
    const read = () => {
      if (document.visibilityState === "visible" && last > 0) markRead(id, last);
    };
    read();
    addEventListener("visibilitychange", read);
    return () => removeEventListener("visibilitychange", read);
  }, [id, last, room?.membership?.read_seq]);

  useLayoutEffect(() => {
    const box = scroller.current;
    if (box && following.current) box.scrollTop = box.scrollHeight;
  }, [last, waiting.length, typing.value.get(id)?.size, said !== undefined]);

  const before = async () => {
    const box = scroller.current;
    const height = box?.scrollHeight ?? 0;
    following.current = false;
    more.value = await readBefore(id).catch(() => true);
    // What was in sight stays there.
    requestAnimationFrame(() => box && (box.scrollTop += box.scrollHeight - height));
  };

  if (failed.value !== undefined) {
    return (
      <section class="card conversation empty" role="alert">
        <h2>This room does not open</h2>
        <p>{failed.value}</p>
      </section>
    );
  }
  if (!room || !said) return <section class="card conversation"><Waiting /></section>;

  const typists = [...(typing.value.get(id) ?? [])].map(nameOf);
  const title = titleOf(room);
  const mayWrite = room.membership !== undefined && (room.posting === "everyone" || room.membership.role !== "member");
  return (
    <section class="card conversation" aria-labelledby="room-title">
      <header>
        <a class="icon-button back" href="#/rooms" aria-label="All rooms"><Icon name="back" /></a>
        <Avatar name={title} seed={room.with?.handle ?? room.id} group={room.kind !== "direct"} {...(room.with ? { user: room.with.id } : {})} />
        <div>
          <h2 id="room-title">{room.with ? <a href={link("people", room.with.handle)}>{title}</a> : title}</h2>
          <p class="small soft presence">
            {room.kind === "direct" ? stateWord(room.with?.id) || "offline" : room.kind === "group" ? some(room.member_count, "member") : "Channel, open to everybody"}
          </p>
        </div>
      </header>
      <div
        class="messages"
        ref={scroller}
        tabIndex={0}
        role="log"
        aria-label={`Messages in ${title}`}
        onScroll={({ currentTarget: box }) => (following.current = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END_PX)}
      >
        {more.value && (said[0]?.seq ?? 1) > 1 && (
          <p class="list-end">
            <button type="button" class="button" onClick={() => void before()}>Show what was said before</button>
          </p>
        )}
        {said.length === 0 && waiting.length === 0 && <p class="empty">Say hello.</p>}
        <ol>
          {said.map((message, at) => (
            <Line
              key={message.seq}
              message={message}
              before={said[at - 1]}
              after={said[at + 1]}
              answers={message.reply_to === undefined ? undefined : said.find(({ seq }) => seq === message.reply_to)}
              mayReact={room.membership !== undefined}
              named={room.kind !== "direct"}
              onAnswer={mayWrite ? () => { answering.value = message; field.current?.focus(); } : undefined}
            />
          ))}
          {waiting.map((draft) => (
            <li key={draft.client_id} class="message mine first last">
              <div class="body">
                <p class="bubble waiting-bubble">{draft.text}</p>
                <p class="under small">
                  {draft.failed === undefined ? (
                    <span class="soft">Sending…</span>
                  ) : (
                    <span class="failed" role="alert">
                      {draft.failed}{" "}
                      <button type="button" onClick={() => void deliver(draft)}>Try again</button>{" "}
                      <button type="button" onClick={() => giveUp(draft)}>Forget it</button>
                    </span>
                  )}
                </p>
              </div>
            </li>
          ))}
        </ol>
        <Receipts room={room} said={said} waiting={waiting.length > 0} />
        <p class="typing" aria-live="polite">
          {typists.length > 0 && (
            <>
              <span class="dots" aria-hidden="true"><i /><i /><i /></span>
              {all.format(typists.slice(0, 3))} {typists.length === 1 ? "is" : "are"} typing
            </>
          )}
        </p>
      </div>
      {mayWrite ? (
        <Writer id={id} field={field} title={title} answering={answering.value} onAnswered={() => (answering.value = undefined)} onSent={() => (following.current = true)} />
      ) : (
        <p class="read-only soft small">{room.membership ? "Only its owner and admins write here." : "You are visiting. Only its owner and admins write here."}</p>
      )}
    </section>
  );
}

/** Below my last message: who has read it. */
function Receipts({ room, said, waiting }: { room: Room; said: readonly Message[]; waiting: boolean }) {
  const mine = said.findLast(({ sender, deleted_at }) => sender === me.value?.id && !deleted_at);
  if (!mine || waiting || mine !== said.at(-1)) return null;
  const marks = [...(receipts.value.get(room.id) ?? [])].filter(([user]) => user !== me.value?.id);
  const readers = marks.filter(([, { read }]) => read >= mine.seq).map(([user]) => nameOf(user));
  const delivered = marks.some(([, mark]) => mark.delivered >= mine.seq);
  const word = readers.length === 0
    ? delivered ? "Delivered" : "Sent"
    : room.kind === "direct" ? "Seen" : readers.length > 3 ? `Seen by ${readers.length}` : `Seen by ${all.format(readers)}`;
  return <p class="receipt small soft" data-receipt={word}>{word}</p>;
}

interface LineProps {
  message: Message;
  before: Message | undefined;
  after: Message | undefined;
  answers: Message | undefined;
  mayReact: boolean;
  /** Whether it has to be said who says it. */
  named: boolean;
  onAnswer: (() => void) | undefined;
}

const together = (a: Message | undefined, b: Message | undefined): boolean =>
  a !== undefined && b !== undefined && a.sender === b.sender && Date.parse(b.created_at) - Date.parse(a.created_at) < TOGETHER_MS && day(a.created_at) === day(b.created_at);

function Line({ message, before, after, answers, mayReact, named, onAnswer }: LineProps) {
  const mine = message.sender !== undefined && message.sender === me.value?.id;
  const first = !together(before, message);
  const last = !together(message, after);
  const name = mine ? "You" : nameOf(message.sender);
  const newDay = before === undefined || day(before.created_at) !== day(message.created_at);
  const remove = () =>
    void plaza.socket.request("message.delete", { room: message.room, seq: message.seq }).catch((error: unknown) => say(sentence(error)));
  return (
    <>
      {newDay && <li class="day"><span>{day(message.created_at)}</span></li>}
      <li class={["message", mine && "mine", first && "first", last && "last"].filter(Boolean).join(" ")} data-seq={message.seq}>
        {!mine && (last ? <Avatar name={name} seed={people.value.get(message.sender ?? "")?.handle ?? name} size="small" /> : <span class="avatar-space" />)}
        <div class="body">
          {first && !mine && <p class={named ? "name" : "hidden"}>{name}</p>}
          {mine && <span class="hidden">You:</span>}
          {answers && !message.deleted_at && (
            <p class="answered small"><Icon name="reply" size={13} /> <b>{answers.sender === me.value?.id ? "You" : nameOf(answers.sender)}</b> {answers.text}</p>
          )}
          <div class="bubble-row">
            <p class="bubble" title={full(message.created_at)}>
              {message.deleted_at ? <i>This message was deleted.</i> : message.text}
              {message.edited_at && !message.deleted_at && <span class="edited"> edited</span>}
            </p>
            {!message.deleted_at && mayReact && (
              <span class="tools">
                {QUICK.slice(0, 3).map((emoji) => (
                  <button key={emoji} type="button" aria-label={`React with ${emoji} to ${name}`} onClick={() => react(message, emoji)}>{emoji}</button>
                ))}
                {onAnswer && <button type="button" aria-label={`Reply to ${name}`} title="Reply" onClick={onAnswer}><Icon name="reply" size={16} /></button>}
                {mine && <button type="button" aria-label="Delete" title="Delete" onClick={remove}><Icon name="bin" size={16} /></button>}
              </span>
            )}
          </div>
          {message.reactions.length > 0 && (
            <p class="reactions">
              {message.reactions.map(({ emoji, count, mine: my }) => (
                <button key={emoji} type="button" aria-pressed={my} disabled={!mayReact} aria-label={`${emoji}, ${count}`} onClick={() => react(message, emoji)}>
                  {emoji} {count > 1 && count}
                </button>
              ))}
            </p>
          )}
          {last && <p class="under small soft"><time dateTime={message.created_at}>{time(message.created_at)}</time></p>}
        </div>
      </li>
    </>
  );
}

interface WriterProps {
  id: string;
  title: string;
  field: { current: HTMLTextAreaElement | null };
  answering: Message | undefined;
  onAnswered: () => void;
  onSent: () => void;
}

function Writer({ id, title, field, answering, onAnswered, onSent }: WriterProps) {
  const text = useSignal("");
  const toldAt = useRef(0);
  const tellTyping = (now: string) => {
    const at = performance.now();
    if (now === "") {
      if (toldAt.current > 0) plaza.socket.request("typing.stop", { room: id }).catch(() => undefined);
      toldAt.current = 0;
    } else if (toldAt.current === 0 || at - toldAt.current > TYPING_EVERY_MS) {
      toldAt.current = at;
      plaza.socket.request("typing.start", { room: id }).catch(() => undefined);
    }
  };
  const submit = (event: Event) => {
    event.preventDefault();
    const words = text.value.trim();
    if (words === "") return;
    onSent();
    void send(id, words, answering?.seq);
    text.value = "";
    toldAt.current = 0;
    onAnswered();
  };
  return (
    <form class="write" onSubmit={submit}>
      <div class="write-field">
        {answering && (
          <p class="answering">
            <span>Replying to {answering.sender === me.value?.id ? "yourself" : nameOf(answering.sender)}: {answering.text}</span>
            <button type="button" aria-label="Not as a reply" onClick={onAnswered}><Icon name="close" size={14} /></button>
          </p>
        )}
        <textarea
          ref={field}
          rows={1}
          maxLength={TEXT_MAX}
          aria-label={`Write to ${title}`}
          placeholder="Write a message…"
          value={text}
          onInput={({ currentTarget }) => { text.value = currentTarget.value; tellTyping(currentTarget.value); }}
          onKeyDown={(event) => event.key === "Enter" && !event.shiftKey && !event.isComposing && submit(event)}
        />
      </div>
      <button class="icon-button send" aria-label="Send" disabled={text.value.trim() === ""}><Icon name="send" /></button>
    </form>
  );
}
