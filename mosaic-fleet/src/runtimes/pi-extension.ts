// Written by `mosaic-fleet runtime install pi`; `--uninstall` takes it away. Changes here are lost.

// Tells the fleet what pi does, while pi runs as an agent of one, and does nothing otherwise.
// Whatever goes wrong stays here: a broken fleet must never break pi.

import { spawnSync } from "node:child_process";
import type { ExtensionAPI, ExtensionContext } from "@earendil-works/pi-coding-agent";

const BINARY = "@BINARY@";

interface Told {
	event: string;
	text?: string;
	queued?: boolean;
	reason?: string;
	question?: string;
}

function tell(ctx: ExtensionContext, told: () => Told | undefined): void {
	try {
		const said = told();
		if (!said) return;
		const input = JSON.stringify({ session_id: ctx.sessionManager.getSessionId(), ...said });
		spawnSync(BINARY, ["hook", "pi", "--submit-key", "F12"], {
			input,
			timeout: 1000,
			stdio: ["pipe", "ignore", "ignore"],
		});
	} catch {
		// Nobody to tell.
	}
}

export default function (pi: ExtensionAPI) {
	if (!process.env.MOSAIC_AGENT_EVENTS) return;
	try {
		// What other extensions put in is not the word of the one who sits at the composer.
		pi.on("input", (event, ctx) =>
			tell(ctx, () =>
				event.source === "extension"
					? undefined
					: { event: "input", text: event.text, queued: event.streamingBehavior !== undefined },
			),
		);
		pi.on("agent_start", (_event, ctx) => tell(ctx, () => ({ event: "agent_start" })));
		pi.on("agent_settled", (_event, ctx) => tell(ctx, () => ({ event: "agent_settled" })));
		pi.on("session_start", (event, ctx) =>
			tell(ctx, () => ({ event: "session_start", reason: event.reason })),
		);
		pi.on("session_shutdown", (event, ctx) =>
			tell(ctx, () => ({ event: "session_shutdown", reason: event.reason })),
		);
		pi.on("ui_prompt_start", (event, ctx) =>
			tell(ctx, () => ({ event: "ui_prompt_start", question: event.title ?? event.kind })),
		);
		// A question may be asked without a turn, which then does not end one.
		pi.on("ui_prompt_end", (_event, ctx) =>
			tell(ctx, () => ({ event: ctx.isIdle() ? "idle" : "ui_prompt_end" })),
		);
	} catch {
		// A pi that knows these events not, or no longer.
	}
}
