// The live events: each as a line, the latest first, at most a thousand. All text is put in as text.
(function () {
	"use strict";
	var list = document.getElementById("events"), none = document.getElementById("none"), link = document.getElementById("link");
	var pause = document.getElementById("pause"), tally = document.getElementById("tally");
	var most = 1000, held = [], paused = false, seen = 0;

	function element(name, kind, text) {
		var e = document.createElement(name);
		if (kind) { e.className = kind; }
		if (text !== undefined) { e.textContent = text; }
		return e;
	}
	// What steers text is shown as what it is.
	function plain(s) {
		return String(s).replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g, function (c) {
			return "‹" + c.charCodeAt(0).toString(16).padStart(2, "0") + "›";
		}).slice(0, 2000);
	}
	function grade(e) {
		var level = String(e.level || "").toUpperCase();
		return level.indexOf("ERROR") === 0 ? "bad" : level.indexOf("WARN") === 0 ? "look" : e.kind && e.kind.indexOf("packet") === 0 ? "packet" : "info";
	}
	function to(path, text) {
		var a = element("a", "", plain(text));
		a.href = path;
		return a;
	}
	function line(e) {
		var li = element("li", "event " + grade(e));
		var t = element("time", "when", String(e.time || "").slice(11, 23));
		t.dateTime = String(e.time || "");
		t.title = t.dateTime;
		li.append(t, element("span", "kind", plain(e.kind)));
		var body = element("div", "what"), way = { "packet-in": ["→", "from the client: "], "packet-out": ["←", "to the client: "], "packet-dropped": ["✕", "no answer: "] }[e.kind];
		if (way) {
			var sign = element("span", "way", way[0]);
			sign.setAttribute("aria-hidden", "true");
			body.append(sign, element("span", "hidden", way[1]));
		}
		body.append(element("span", "", plain(e.message)));
		[["address", "/leases/"], ["hardware", "/events?packets=yes&client="], ["hostname", ""], ["network", ""], ["partner", ""], ["state", ""], ["relay", ""], ["type", ""], ["reason", ""]].forEach(function (f) {
			var v = e[f[0]];
			if (!v || f[0] === "type" && String(e.message).indexOf(v) >= 0) { return; }
			var s = element("span", "fact", f[0] === "type" || f[0] === "state" ? "" : f[0] + " ");
			s.append(f[1] ? to(f[1] + encodeURIComponent(v), v) : element("strong", "", plain(v)));
			body.append(" ", s);
		});
		if (e.detail) {
			var d = element("details"), pre = element("pre", "", String(e.detail).split("\n").slice(0, 200).map(plain).join("\n"));
			d.append(element("summary", "", "more"), pre);
			body.append(d);
		}
		li.append(body);
		return li;
	}
	function show(batch) {
		var f = document.createDocumentFragment();
		batch.slice(-most).reverse().forEach(function (e) { f.append(line(e)); });
		list.prepend(f);
		while (list.childElementCount > most) { list.lastElementChild.remove(); }
		none.hidden = list.childElementCount > 0;
	}
	function flush() {
		if (paused || held.length === 0) { return; }
		show(held);
		held = [];
	}
	// What comes is shown some at a time, so that a busy server does not keep the browser busy.
	setInterval(flush, 250);
	setInterval(function () {
		var text = seen === 0 ? "" : seen + (seen === 1 ? " event" : " events") + (paused ? ", " + held.length + " held back" : "");
		if (tally.textContent !== text) { tally.textContent = text; }
	}, 3000);

	var source = new EventSource(list.dataset.stream);
	source.onopen = function () { link.className = "badge good"; link.textContent = "connected"; };
	source.onerror = function () { link.className = "badge bad"; link.textContent = source.readyState === 2 ? "refused: look at the filters, or sign in again" : "not connected, trying again"; };
	source.onmessage = function (m) {
		var e;
		try { e = JSON.parse(m.data); } catch (x) { return; }
		seen += 1;
		held.push(e);
		if (held.length > most) { held.shift(); }
	};
	addEventListener("pagehide", function () { source.close(); });

	pause.addEventListener("click", function () {
		paused = !paused;
		pause.setAttribute("aria-pressed", String(paused));
		pause.textContent = paused ? "Go on" : "Pause";
		flush();
	});
	document.getElementById("clear").addEventListener("click", function () { list.replaceChildren(); held = []; none.hidden = false; });
})();
