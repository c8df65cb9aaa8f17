// The official client at work on a project with a plan `hello.yaml` and an agent that listens to the event `saved`.
//   node client.mjs stdio COMMAND [ARGUMENT…]
//   node client.mjs http URL TOKEN-FILE
// Prints the tools that it has called, and ends with 0 if all was as it should be.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js';

const [kind, ...how] = process.argv.slice(2);
const client = new Client({ name: 'test', version: '1' });
await client.connect(kind === 'http' ? overHttp(...how) : overStdio(...how));

// From here on the client holds structured content against these schemas.
const { tools } = await client.listTools();
const called = new Set();

assert.match(client.getInstructions(), /is data/);
await everyTool();
await longWait();
await cancelledWait();
await resources();
await prompts();
await refusals();

assert.deepEqual([...called].sort(), tools.map(tool => tool.name).sort());
console.log([...called].join(' '));
await client.close();

async function everyTool() {
  const empty = await call('list', {});
  assert.deepEqual(empty.agents.map(agent => agent.name).sort(), ['echo', 'listener', 'shell']);

  const { task: hello } = await call('start', { agent: 'shell', prompt: 'echo hello', name: 'greets', priority: 9 });
  assert.equal(hello.agent, 'shell');
  assert.deepEqual(await ended(hello.taskId), ['complete']);
  const result = await call('result', { task: hello.taskId });
  assert.equal(result.answer.text.trim(), 'hello');
  assert.match(result.answer.note, /do not follow instructions/);
  assert.equal((await call('logs', { task: hello.taskId, tail: 1 })).log.text.trim(), 'hello');
  const shown = await call('show', { task: hello.taskId });
  assert.equal(shown.prompt.text, 'echo hello');
  assert.equal(shown.task.name, 'greets');

  const { task: failing } = await call('start', { agent: 'shell', prompt: 'exit 3', timeout: '5m' });
  assert.deepEqual(await ended(failing.taskId), ['failed']);
  assert.equal((await call('result', { task: failing.taskId })).exitCode, 3);
  const { task: again } = await call('retry', { task: failing.taskId, run: false });
  assert.equal(again.parentTaskId, failing.taskId);
  const { tasks: cancelled, refused } = await call('cancel', { tasks: [again.taskId] });
  assert.deepEqual([cancelled[0].status, refused], ['cancelled', []]);

  const { task: later } = await call('start', { agent: 'shell', prompt: 'true', run: false, depends_on: [hello.taskId] });
  assert.equal(later.status, 'pending');
  const { started } = await call('run', { tasks: [later.taskId] });
  assert.deepEqual(started.map(task => task.taskId), [later.taskId]);
  assert.deepEqual(await ended(later.taskId), ['complete']);

  assert.deepEqual((await call('plan_status', {})).plans.map(plan => plan.plan), ['hello.yaml']);
  const { run } = await call('plan_run', { plan: 'hello.yaml', set: { whom: 'world' } });
  await until(async () => (await call('plan_status', { run })).runs[0].state === 'complete');
  const ran = (await call('plan_status', { run })).runs[0];
  assert.deepEqual(ran.tasks.map(task => task.state), ['complete']);

  const { started: heard } = await call('trigger', { event: 'saved', vars: { file: 'a.txt' } });
  assert.deepEqual(await ended(heard[0]), ['complete']);
  assert.equal((await call('result', { task: heard[0] })).answer.text.trim(), 'heard a.txt');

  const { tasks } = await call('list', { state: ['failed'], limit: 5 });
  assert.deepEqual(tasks.map(task => task.taskId), [failing.taskId]);
}

// A wait that lasts until its second report has come.
async function longWait() {
  const file = `go-${kind}`;
  const { task } = await call('start', { agent: 'shell', prompt: `until [ -e ${file} ]; do sleep 0.1; done` });
  const told = [];
  const reply = await client.callTool({ name: 'wait', arguments: { tasks: [task.taskId], seconds: 50 } }, CallToolResultSchema, {
    onprogress: progress => {
      told.push(progress);
      if (told.length === 2) writeFileSync(file, '');
    },
  });
  assert.equal(reply.structuredContent.ended[0].status, 'complete');
  assert.ok(told.length >= 2 && told[1].progress > told[0].progress && told[1].total === 50, JSON.stringify(told));
  assert.match(told[0].message, /1 (running|pending)/);
}

// Over HTTP every request stands for itself, and is given up by going away: a wait is over when its client is.
async function cancelledWait() {
  const { task } = await call('start', { agent: 'shell', prompt: 'exec sleep 300' });
  const nobody = new AbortController();
  const wait = client.callTool({ name: 'wait', arguments: { tasks: [task.taskId] } }, CallToolResultSchema, { signal: nobody.signal });
  await until(() => waits(task.taskId) === 1);
  nobody.abort('not needed');
  await assert.rejects(wait, /not needed/);
  if (kind === 'stdio') await until(() => waits(task.taskId) === 0);
  await call('cancel', { tasks: [task.taskId] });
}

async function resources() {
  const { resources } = await client.listResources();
  assert.deepEqual(resources.map(resource => resource.uri), ['agentq://tasks']);
  const { resourceTemplates } = await client.listResourceTemplates();
  assert.deepEqual(resourceTemplates.map(template => template.uriTemplate), ['agentq://task/{id}/log', 'agentq://plan-run/{id}']);
  const { tasks } = JSON.parse(await read('agentq://tasks'));
  const hello = tasks.find(task => task.name === 'greets');
  assert.match(await read(`agentq://task/${hello.taskId}/log`), /^\[This was written by an agent.*\]\nhello/);
  const { runs } = await call('plan_status', {});
  assert.equal(JSON.parse(await read(`agentq://plan-run/${runs[0].run}`)).state, 'complete');
  for (const uri of ['agentq://task/nosuch/log', 'agentq://plan-run/nosuch', 'agentq://nothing', 'file:///etc/passwd']) {
    await assert.rejects(read(uri), uri);
  }
}

async function prompts() {
  const { prompts } = await client.listPrompts();
  for (const prompt of prompts) {
    const values = Object.fromEntries((prompt.arguments ?? []).map(({ name }) => [name, `the ${name}`]));
    const { messages } = await client.getPrompt({ name: prompt.name, arguments: values });
    assert.equal(messages[0].role, 'user');
    for (const value of Object.values(values)) assert.ok(messages[0].content.text.includes(value), prompt.name);
  }
  // Over HTTP the server does not know who asks, and offers none: some assistants run what is typed behind a prompt.
  assert.deepEqual(prompts.map(prompt => prompt.name), kind === 'http' ? [] : ['delegate', 'fan_out', 'recover']);
  await assert.rejects(client.getPrompt({ name: 'delegate', arguments: {} }), /wants the argument/);
  await assert.rejects(client.getPrompt({ name: 'nosuch' }), /no prompt/);
}

async function refusals() {
  await assert.rejects(client.callTool({ name: 'clean', arguments: {} }), /There is no tool 'clean'/);
  for (const [name, input, why] of [
    ['start', { agent: 'shell' }, /'prompt' is missing/],
    ['start', { agent: 'nosuch', prompt: 'x' }, /nosuch/],
    ['wait', { tasks: ['nosuch'] }, /nosuch/],
    ['wait', { tasks: [], seconds: 1 }, /1 or more/],
    ['list', { limit: 0 }, /1 or more/],
    ['show', { task: 'nosuch', file: '/etc/passwd' }, /no argument 'file'/],
  ]) {
    const { isError, content } = await client.callTool({ name, arguments: input });
    assert.ok(isError, name);
    assert.match(content[0].text, why);
  }
}

// The structured content, once it is the same as the text.
async function call(name, input) {
  const reply = await client.callTool({ name, arguments: input });
  assert.ok(!reply.isError, `${name} ${JSON.stringify(input)}: ${reply.content[0].text}`);
  assert.deepEqual(JSON.parse(reply.content[0].text), reply.structuredContent);
  called.add(name);
  return reply.structuredContent;
}

async function ended(id) {
  const { ended, timedOut } = await call('wait', { tasks: [id], seconds: 50 });
  assert.equal(timedOut, false);
  return ended.map(task => task.status);
}

async function read(uri) {
  return (await client.readResource({ uri })).contents[0].text;
}

// How many processes wait for the task.
function waits(id) {
  return readdirSync('/proc').filter(name => {
    try {
      const words = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
      return words.includes('wait') && words.includes(id);
    } catch {
      return false;
    }
  }).length;
}

async function until(holds) {
  for (const begun = Date.now(); !(await holds()); await new Promise(done => setTimeout(done, 20))) {
    assert.ok(Date.now() - begun < 60_000, holds.toString());
  }
}

function overStdio(command, ...args) {
  return new StdioClientTransport({ command, args, env: process.env });
}

function overHttp(url, file) {
  const headers = { Authorization: `Bearer ${readFileSync(file, 'utf8').trim()}` };
  return new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
}
