// The hotel dashboard's chat, as its store behaves: what it asks, in which order, what it believes of what it hears.
// In: a command a line, {do: "login" | "start" | "select" | "say" …, id, …}. Out: one answer a line, {id, …}.
const readline = require("node:readline");
const WebSocket = require("ws");

const [base, patience] = [process.argv[2], Number(process.argv[3])];
const state = { token: null, refresh: null, user: null, socket: null, conversations: [], messages: [], selected: null, frames: [] };
let fresh = 0;

/** Bodies may stand below `data`; errors are read from `message`, `detail`, `error`, in this order. */
const unwrapped = (body) => body?.data ?? body;
async function call(method, path, body) {
  const headers = state.token ? { Authorization: `Bearer ${state.token}` } : {};
  const isForm = body instanceof FormData;
  if (body && !isForm) headers["Content-Type"] = "application/json";
  const response = await fetch(`${base}/api${path}`, { method, headers, body: isForm ? body : body && JSON.stringify(body), redirect: "error" });
  const answer = await response.json();
  if (!response.ok) throw { status: response.status, words: answer.message ?? answer.detail ?? answer.error };
  return { status: response.status, body: answer };
}

async function login({ username, password }) {
  const { access, refresh, user } = unwrapped((await call("POST", "/login/", { username, password })).body);
  if (["platform_admin", "platform_staff", "other_staff"].includes(user.user_type)) throw { words: "forbidden" };
  Object.assign(state, { token: access, refresh, user });
  return { user };
}

async function list() {
  const { body } = await call("GET", "/chat/conversations/");
  state.conversations = body.data?.results ?? body.results ?? [];
}

async function start() {
  await list();
  const url = `${base.replace("http", "ws")}/ws/chat/?token=${encodeURIComponent(state.token)}`;
  state.socket = new WebSocket(url);
  state.socket.on("message", (data) => heard(JSON.parse(data.toString())));
  await new Promise((opened, failed) => state.socket.on("open", opened).on("error", failed));
  return { conversations: state.conversations };
}

/** Its own messages come back and are passed over; only the acknowledgment says that one was taken. */
function heard(frame) {
  state.frames.push(frame);
  if (frame.type === "message" && frame.data.sender_type === "guest") {
    const { conversation_id: conversation, sender_id: sender, ...rest } = frame.data;
    if (!("name" in rest.guest_info)) throw new Error("a message without its guest");
    if (state.conversations.some((known) => known.id === conversation)) state.messages.push({ ...rest, conversation, sender });
  } else if (frame.type === "acknowledgment" && frame.status === "received" && frame.message_id) {
    const waits = state.messages.find((message) => message.id < 0 && message.conversation === frame.conversation_id);
    if (waits) Object.assign(waits, { id: frame.message_id, time_ago: "sent" });
  } else if (frame.type === "acknowledgment" && frame.status === "marked_read") {
    state.conversations.filter((known) => known.id === frame.conversation_id).forEach((known) => (known.unread_count = 0));
  } else if (frame.type === "acknowledgment" && frame.status === "conversation_closed") {
    state.conversations.filter((known) => known.id === frame.conversation_id).forEach((known) => (known.status = "closed"));
  } else if (frame.type === "new_conversation") {
    list();
  }
}

const tell = (frame) => state.socket.send(JSON.stringify(frame));

async function select({ conversation }) {
  if (state.selected) tell({ type: "unsubscribe_conversation", conversation_id: state.selected });
  state.selected = conversation;
  // Without the slash at the end, as it asks.
  const details = unwrapped((await call("GET", `/chat/conversations/${conversation}`)).body);
  state.messages = details.messages;
  tell({ type: "subscribe_conversation", conversation_id: conversation });
  tell({ type: "mark_read", conversation_id: conversation });
  await list();
  return { conversation: details.conversation, messages: state.messages };
}

/** What it shows at once, under a number of its own, until the acknowledgment gives the real one or time runs out. */
function shown(message) {
  const optimistic = { id: -(Date.now() + ++fresh), conversation: state.selected, sender_type: "staff", is_read: false, ...message };
  state.messages.push(optimistic);
  return optimistic;
}

async function acknowledged(message) {
  message.time_ago = "sending...";
  const until = Date.now() + patience;
  while (message.time_ago === "sending..." && Date.now() < until) await new Promise((later) => setTimeout(later, 5));
  if (message.time_ago === "sending...") message.time_ago = "failed to send";
  return { message };
}

async function say({ text }) {
  const message = shown({ message_type: "text", content: text });
  tell({ type: "text", conversation_id: state.selected, content: text });
  return acknowledged(message);
}

async function send({ name, type, content, caption }) {
  const message = shown({ message_type: "media", media_filename: name });
  const form = new FormData();
  form.append("conversation_id", String(state.selected));
  form.append("file", new File([Buffer.from(content, "base64")], name, { type }));
  if (caption) form.append("caption", caption);
  const { status, body } = await call("POST", "/chat/upload-media/", form);
  const uploaded = unwrapped(body);
  message.media_url = uploaded.file_url;
  const { file_url, filename, file_type } = uploaded;
  tell({ type: "media", conversation_id: state.selected, file_url, filename, file_type, caption: uploaded.caption || "" });
  return { ...(await acknowledged(message)), status, uploaded };
}

const commands = {
  login, start, select, say, send,
  call: ({ method, path, body }) => call(method, path, body),
  tell: async ({ frame }) => tell(frame),
  refresh: async () => {
    state.token = unwrapped((await call("POST", "/login/refresh/", { refresh: state.refresh })).body).access;
    return { token: state.token };
  },
  token: async ({ token }) => ({ token: (state.token = token) }),
  state: async () => ({ frames: state.frames, messages: state.messages, conversations: state.conversations }),
};

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const { do: name, id, ...rest } = JSON.parse(line);
  const answered = (answer) => process.stdout.write(JSON.stringify({ id, ...answer }) + "\n");
  commands[name](rest).then(answered, (error) => answered({ failed: error.words ?? error.message ?? String(error), status: error.status }));
}).on("close", () => process.exit(0));
