import { render } from "preact";
import { App } from "./app";
import { begin } from "./session";
import "./styles/base.css";
import "./styles/shell.css";
import "./styles/content.css";
import "./styles/rooms.css";
import "./styles/views.css";

const root = document.getElementById("app");
if (root) {
  void begin();
  render(<App />, root);
}
