// Starts the program that the tests look at.
//
// TROUPE_STAGE names it. It prints its address, http://127.0.0.1:PORT, on the
// first line, and gives its observer the token that TROUPE_OBSERVER_TOKEN
// holds, or none if that is empty. It has this tree and no other worker:
//
//   /pipeline             a supervisor, at most 5 restarts
//     fetcher             backs off until it is told to retry; has fields
//     parsers             a supervisor
//       parser-1 … -3     with a queue; start again at once
//     writer              with a queue, and a hold
//
// It takes commands on stdin, a line each. No state of it passes before it is
// told to go on, so that no test depends on how fast the machine is:
//
//   crash PATH            that one fails, for a reason with the word `crash`
//   retry PATH            that one backs off no longer
//   send PATH N           sends it N messages
//   hold                  the writer handles nothing from now on, and does not
//                         end; not before `release`
//   stop                  the tree stops
//   quit                  the program ends
//
// Without TROUPE_STAGE it is the tests' double, mock_server.mjs.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const double = fileURLToPath(new URL("mock_server.mjs", import.meta.url));

/** The right token of each stage that has one. */
export const goodToken = "let-me-in-at-once";

function spawnStage(scene, token) {
  const program = process.env.TROUPE_STAGE;
  const env = { ...process.env, TROUPE_OBSERVER_TOKEN: token };
  const stdio = ["pipe", "pipe", "inherit"];
  return program && !scene
    ? spawn(program, [], { env, stdio })
    : spawn(process.execPath, [double, scene ?? "pipeline"], { env, stdio });
}

/**
 * @param scene one that only the double can play, see there.
 * @param token that of its observer; without one there are no controls.
 * @returns its `url`; `tell(line)`, which gives it a command; `freeze()` and
 *          `thaw()`; `quit()`.
 */
export async function startStage({ scene, token = "" } = {}) {
  const child = spawnStage(scene, token);
  const exited = once(child, "exit");
  const lines = createInterface({ input: child.stdout });
  const [url] = await Promise.race([
    once(lines, "line"),
    exited.then(() => {
      throw new Error("the stage has ended before it said its address");
    }),
  ]);
  // A program that has ended by itself has closed its end.
  child.stdin.on("error", () => {});
  return {
    url: url.trim(),
    tell: (line) => child.stdin.write(`${line}\n`),
    /** The program does nothing at all any more, until it may again. */
    freeze: () => child.kill("SIGSTOP"),
    thaw: () => child.kill("SIGCONT"),
    async quit() {
      child.stdin.end("quit\n");
      await exited;
    },
  };
}
