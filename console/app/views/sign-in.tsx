// Who is there: somebody of the demo with one press, or anybody else.
import { useSignal } from "@preact/signals";
import demo from "../demo.json";
import { Mark } from "../icons";
import { Avatar } from "../people";
import { sentence } from "../plaza";
import { signIn, signUp } from "../session";

export function SignIn() {
  const busy = useSignal<string | undefined>(undefined);
  const failed = useSignal<string | undefined>(undefined);
  const fresh = useSignal(false);

  const attempt = async (who: string, how: () => Promise<void>, hint?: string) => {
    if (busy.value !== undefined) return;
    busy.value = who;
    failed.value = undefined;
    try {
      await how();
    } catch (error) {
      failed.value = [sentence(error), hint].filter(Boolean).join(" ");
    } finally {
      busy.value = undefined;
    }
  };
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const [handle, name, password] = ["handle", "name", "password"].map((field) => String(form.get(field) ?? "").trim()) as [string, string, string];
    void attempt(handle, () => (fresh.peek() ? signUp(handle, name || handle, password) : signIn(handle, password)));
  };

  return (
    <main class="door" id="main">
      <section class="hello">
        <Mark />
        <h1>Plaza</h1>
        <p>Feed, stories, rooms, search and everything between people, live. This page is a client like any other: open the frames panel and watch it talk.</p>
      </section>
      <section class="card enter" aria-labelledby="demo-title">
        <h2 id="demo-title">Come in as somebody of the demo</h2>
        <p class="small soft">Each window is a person of its own: open two, and let them talk. <code>plaza seed</code> brings these people to life.</p>
        <ul class="demo">
          {demo.people.map(({ handle, name }) => (
            <li key={handle}>
              <button type="button" disabled={busy.value !== undefined} aria-busy={busy.value === handle} onClick={() => void attempt(handle, () => signIn(handle, demo.password), "Is the demo there? Fill it with: plaza seed")}>
                <Avatar name={name} seed={handle} />
                <span><b>{name}</b><span class="soft small">@{handle}</span></span>
              </button>
            </li>
          ))}
        </ul>
        {failed.value !== undefined && <p class="alert" role="alert">{failed.value}</p>}
        <form onSubmit={submit} aria-label={fresh.value ? "Register" : "Sign in"}>
          <h2>{fresh.value ? "Or as somebody new" : "Or as yourself"}</h2>
          <label>
            <span>Handle</span>
            <input class="field" name="handle" autocomplete="username" autocapitalize="none" spellcheck={false} required minLength={fresh.value ? 3 : 1} maxLength={30} />
          </label>
          {fresh.value && (
            <label>
              <span>Name</span>
              <input class="field" name="name" autocomplete="name" maxLength={50} />
            </label>
          )}
          <label>
            <span>Password</span>
            <input class="field" name="password" type="password" autocomplete={fresh.value ? "new-password" : "current-password"} required minLength={fresh.value ? 10 : 1} />
          </label>
          <div class="enter-foot">
            <button class="button main" disabled={busy.value !== undefined}>{fresh.value ? "Register" : "Sign in"}</button>
            <button type="button" class="plain" onClick={() => (fresh.value = !fresh.value)}>{fresh.value ? "I have an account" : "I am new here"}</button>
          </div>
        </form>
      </section>
    </main>
  );
}
