"""A valid request to each operation of the API, for what makes mistakes in them.

Search 1 waits for scripts: agent f1 holds trial 1.0 and reports, agent f2 holds 1.1. Search 2 has
ended, and its trial 2.0 has a model.
"""

import hashlib

from tests.support.nested_mistakes import Case

API = "/api/v1"
AGENT = {
    "id": "a-00000000000000f1",
    "host": "h",
    "pid": 3,
    "engine": "test",
    "version": "1",
    "trainers": ["external"],
}
OTHER_AGENT = {**AGENT, "id": "a-00000000000000f2"}
SPACE = {
    "learning_rate": {"scale": "log", "low": 1e-4, "high": 1},
    "layers": {"scale": "linear", "low": 1, "high": 3, "type": "int"},
    "kind": {"choices": ["a", "b"]},
    "l2": {"scale": "linear", "low": 0, "high": 1, "when": {"kind": "a"}},
}
EXTERNAL = {
    "name": "mistakes",
    "note": "a note",
    "trainer": "external",
    "settings": {"epochs": 3},
    "space": SPACE,
    "strategy": {"name": "random"},
    "stopping": {"name": "median"},
    "objective": {"metric": "dev_error", "direction": "minimize"},
    "budget": {"trials": 4},
    "parallel": 2,
    "seed": 7,
}
MLP = {
    "name": "mlp",
    "dataset": {"name": "digits"},
    "trainer": "mlp",
    "settings": {"epochs": 2, "hidden_units": [8], "optimizer": "adam"},
    "space": {"learning_rate": {"scale": "log", "low": 1e-4, "high": 1}},
    "strategy": {"name": "coarse_to_fine"},
    "mode": "panda",
    "schedule": [{"epoch": 1, "set": {"learning_rate": 0.1}}],
    "budget": {"trials": 2},
}
UPLOADED = {**MLP, "dataset": {"name": "table", "target": "y"}}
REPORT = {
    "trial": "1.0",
    "attempt": 1,
    "branch": 0,
    "first": 1,
    "columns": ["train_cost", "dev_error"],
    "rows": [[0.5, 0.1], [0.4, 0.09]],
    "costs": [[1, 0.7]],
    "acknowledged": [
        {"command": 1, "step": 1, "epoch": 1, "before": {"l2": 0}, "after": {"l2": 1}, "refused": "no"}
    ],
    "result": {
        "state": "completed",
        "metrics": {"dev_error": 0.1},
        "epoch": 3,
        "reason": "end",
        "log": "text",
    },
}
EXCHANGE = {
    "agent": AGENT,
    "sequence": 1,
    "want": 1,
    "known": [1],
    "holding": [["1.0", 1]],
    "reports": [REPORT],
}
COMMANDS = {"commands": [{"kind": "note", "arguments": {"text": "seen"}, "when": {"at": "now"}}]}
SET = {"commands": [{"kind": "set", "arguments": {"learning_rate": 0.1}, "when": {"at": "epoch:30"}}]}
POINT = {"learning_rate": 0.01, "layers": 2, "kind": "a", "l2": 0.5}
LIST = {"state": "running", "name": "a", "sort": "-created", "limit": "3"}
TRIALS = {
    "sort": "-value",
    "state": "completed",
    "filter": "params.learning_rate<0.1",
    "limit": "3",
    "cursor": "x",
}

FULL = {
    **EXTERNAL,
    "name": "with everything",
    "project": "a project",
    "tags": ["one", "two"],
    "space": {
        "learning_rate": SPACE["learning_rate"],
        "a": {"scale": "linear", "low": 0, "high": 1},
        "b": {"scale": "linear", "low": 0, "high": 1, "step": 0.25},
        "c": {"scale": "one_minus_log", "low": 0.9, "high": 0.999},
        "relations": ["a < b"],
    },
    "strategy": {"name": "coarse_to_fine"},
    "stopping": {"name": "hyperband"},
    "objective": {"metric": "dev_error", "direction": "minimize", "value": {"mean_of_last": 2}},
    "subject_to": {"train_cost": {"max": 2}},
    "limits": {"seconds": 60, "silent_seconds": 10},
    "resources": {"cpus": 2, "gpus": 0.5, "custom": {"licence": 1}},
    "enqueued": [{"learning_rate": 0.1, "a": 0.1, "b": 0.5, "c": 0.95}],
    "warm_start": {"searches": [1, 2], "points": 2},
    "reevaluate": {"leaders": 2, "seeds": 2},
    "base_error": 0.01,
    "base_error_source": "two doctors",
}
SEVERAL = {
    **EXTERNAL,
    "strategy": {"name": "nsga2", "population": 4},
    "objective": [{"metric": "dev_error"}, {"metric": "seconds", "reference": 9}],
    "stopping": {"name": "none"},
}
STARTED = {
    **MLP,
    "dataset": {"name": "table", "target": "y", "more_training_data": ["table"], "ignore": ["b"]},
    "settings": {**MLP["settings"], "init_from": "2.0", "freeze": 0},
}
FOLDED = {**MLP, "mode": "caviar", "schedule": [], "dataset": {"name": "table", "folds": 3, "repeats": 2}}
STUDY = {"name": "study", "directions": ["minimize"], "key": "0123456789abcdef"}
FLOAT = '{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}'
DESCRIPTION = {
    "state": "COMPLETE",
    "values": [0.25],
    "params": {"x": [0.5, FLOAT]},
    "user": {"seen": "1"},
    "system": {"a": "[1]"},
    "steps": {"1": 0.5, "2": "inf"},
    "started": 1.7e9,
    "ended": 1.8e9,
}
CHANGE = {"number": 0, "key": "0123456789abcdee", **DESCRIPTION, "alive": True}
LEAVING = {
    "agent": {
        **AGENT,
        "slot": {"cpus": 2, "gpus": 1, "custom": {"licence": 1}, "exact": True},
        "searches": [1],
    },
    "leaving": True,
    "ended": {
        "reason": "was killed by SIGSEGV",
        "cause": "trial",
        "training": {"trial": "1.0", "attempt": 1, "seconds": 4.2, "quiet": 0.3},
        "limit": "took 60 s",
    },
    "training": {"trial": "1.0", "attempt": 1, "seconds": 4.2, "quiet": 0.3},
}
ACKNOWLEDGING = {
    "agent": OTHER_AGENT,
    "holding": [["1.1", 1]],
    "reports": [
        {
            "trial": "1.1",
            "attempt": 1,
            "columns": ["dev_error"],
            "rows": [[0.5]],
            "acknowledged": [
                {"command": 1, "step": 1, "epoch": 1, "before": {"l2": 0}, "after": {"l2": 1}, "late": "at 2"}
            ],
        }
    ],
}
VERIFICATION = {
    "verdict": "passed",
    "trials": 1,
    "proposed_again": 1,
    "trained_again": 1,
    "differs": 0,
    "not_provable": 0,
    "last_link": "0" * 64,
}
RETEST = {"data": "table", "leaders": 1, "seeds": 2, "fresh": 2, "every": 3600}
HOOK = {"url": "http://127.0.0.1:9/x", "style": "json", "events": ["ended", "best"], "project": "a project"}
EXTEND = {
    "commands": [
        {"kind": "rewind", "arguments": {"epoch": 0, "branch": 0}},
        {"kind": "extend", "arguments": {"epochs": 3}, "when": {"at": "epoch:2", "late": "apply"}},
        {"kind": "fork", "arguments": {"epoch": 0, "branch": 0, "changes": {"learning_rate": 0.1}}},
    ]
}
TABLE = "a,b,y\n" + "".join(f"{n},{n % 7},{'pq'[n % 2]}\n" for n in range(60))
UPLOAD = {
    "name": "another",
    "target": "y",
    "task": "classification",
    "categorical": "b",
    "ignore": "a",
    "header": "true",
    "encoding": "utf-8",
    "decimal": ".",
    "dates": "{}",
    "missing_values": "NA",
    "as_is": "a",
}
YAML = "name: a\nspace:\n  x: {scale: linear, low: 0, high: 1}\nbudget: {trials: 3}\n"
STATE = "state"
DIGEST = f"sha256:{hashlib.sha256(STATE.encode()).hexdigest()}"
CHECKPOINT = {
    "attempt": "1",
    "digest": DIGEST,
    "branch": "0",
    "epoch": "1",
    "step": "3",
    "position": "0",
    "kind": "schedule",
}
ERRORS = {"part": "dev", "show": "wrong", "tag": "blurred", "offset": "0", "limit": "3"}
SEARCHES, TRIALS_OF = f"{API}/searches", f"{API}/trials"
READ_OF_SEARCHES = [
    "timeline",
    "front",
    "rounds",
    "standings",
    "remaining",
    "edits",
    "init-model",
    "population",
]
READ_OF_SEARCHES += ["summary", "tests"]
RARE = 0.1  # of those for which a process is started
CASES = [
    *[Case("POST", f"{API}/searches", body=one) for one in (EXTERNAL, EXTERNAL, MLP, UPLOADED)],
    *[Case("POST", f"{API}/searches/check", body=one) for one in (EXTERNAL, MLP, UPLOADED)],
    Case("POST", f"{API}/exchange", body=EXCHANGE),
    Case("POST", f"{API}/exchange", body={**EXCHANGE, "reports": []}),
    Case(
        "PATCH", f"{API}/searches/1", body={"name": "n", "note": "m", "budget": {"trials": 9}, "space": SPACE}
    ),
    Case("POST", f"{API}/searches/1/points", body={"points": [POINT, POINT]}),
    Case("POST", f"{API}/trials/1.0/commands", body=COMMANDS),
    Case("POST", f"{API}/trials/1.0/commands", body=SET, headers={"idempotency-key": "k"}),
    Case("POST", f"{API}/tokens", body={"name": "t", "scope": "read"}),
    Case("POST", f"{API}/session", body={"token": "x"}),
    Case("POST", f"{API}/searches/1/rerun", {"state": "failed"}),
    Case("GET", f"{API}/searches", LIST),
    Case("GET", f"{API}/searches/1/trials", TRIALS),
    Case(
        "GET", f"{API}/searches/1/columns", {"fields": "number,value,params.l2", "limit": "3", "points": "90"}
    ),
    Case("GET", f"{API}/searches/1/curves", {"metric": "dev_error", "leading": "2", "others": "2"}),
    Case("GET", f"{API}/searches/1/history", {"points": "50"}),
    Case("GET", f"{API}/searches/1/best", {"k": "3"}),
    Case("GET", f"{API}/searches/1/importance"),
    Case("GET", f"{API}/searches/1/export", {"format": "csv"}),
    Case("GET", f"{API}/trials/1.0/curve", {"points": "50"}),
    Case("GET", f"{API}/trials/1.0/log", {"branch": "0"}),
    Case("GET", f"{API}/trials/1.0"),
    Case("GET", f"{API}/checkpoints/1"),
    Case("GET", f"{API}/datasets/iris/preview"),
    Case("DELETE", f"{API}/trials/1.0/commands/1"),
    Case("DELETE", f"{API}/tokens/none"),
    Case("POST", f"{API}/searches", body=FULL),
    *[Case("POST", f"{API}/searches/check", body=one) for one in (FULL, FULL, SEVERAL, STARTED, FOLDED)],
    Case("POST", f"{SEARCHES}/parse", content=YAML, headers={"content-type": "application/yaml"}),
    Case("POST", f"{API}/exchange", body=LEAVING),
    *[Case("POST", f"{API}/exchange", body=ACKNOWLEDGING)] * 2,
    Case("GET", f"{API}/agents"),
    Case("GET", f"{API}/agents/wanted"),
    Case("GET", f"{API}/agents/a-00000000000000f1/wake", {"timeout": "0", "seen": "3"}),
    Case("POST", f"{API}/agents/a-00000000000000f2/lease"),
    Case("POST", f"{API}/agents/a-00000000000000f1/trust"),
    Case("PUT", f"{TRIALS_OF}/1.1/checkpoints", CHECKPOINT, content=STATE),
    Case("GET", f"{TRIALS_OF}/1.1/checkpoints"),
    Case("GET", f"{TRIALS_OF}/2.0/model"),
    Case("PUT", f"{TRIALS_OF}/1.1/attributes", {"key": "k", "attempt": "1"}, {"a": [1, {"b": None}]}),
    Case("GET", f"{TRIALS_OF}/1.1/attributes"),
    Case("PUT", f"{TRIALS_OF}/1.1/artifacts", {"name": "a.txt", "attempt": "1"}, content="text"),
    Case("GET", f"{TRIALS_OF}/1.1/artifacts"),
    Case("GET", f"{TRIALS_OF}/1.1/artifacts/content", {"name": "a.txt"}),
    Case("POST", f"{API}/studies", body=STUDY),
    Case("GET", f"{API}/studies", {"name": "study"}),
    Case("GET", f"{API}/studies/3"),
    Case("POST", f"{API}/studies/3/attributes", body={"user": {"a": "1"}, "system": {"b": "[1]"}}),
    *[Case("POST", f"{API}/studies/3/trials", body={"trials": [None, DESCRIPTION], "key": "12345678"})] * 2,
    Case("GET", f"{API}/studies/3/trials", {"after": "0"}),
    *[Case("POST", f"{API}/studies/3/changes", body={"changes": [CHANGE]})] * 2,
    Case("GET", f"{API}/studies/3/silent", {"seconds": "60"}),
    Case("POST", f"{API}/studies/3/rest"),
    Case("GET", f"{SEARCHES}/2"),
    *[Case("GET", f"{SEARCHES}/2/{one}") for one in READ_OF_SEARCHES],
    Case("GET", f"{SEARCHES}/2/record", {"first": "0", "count": "2"}),
    Case("GET", f"{SEARCHES}/2/report", {"format": "html"}),
    Case("GET", f"{SEARCHES}/2/audit", {"limit": "3", "cursor": "x"}),
    Case("GET", f"{API}/audit", {"search": "2", "who": "a", "what": "pause", "limit": "3", "cursor": "x"}),
    Case("GET", f"{API}/labels"),
    *[Case("POST", f"{SEARCHES}/3/{one}") for one in ["pause", "resume", "archive", "unarchive", "cancel"]],
    Case("DELETE", f"{SEARCHES}/99"),
    Case("POST", f"{SEARCHES}/2/links", body={"seconds": 60}),
    Case("GET", f"{SEARCHES}/2/links"),
    Case("DELETE", f"{SEARCHES}/2/links/1"),
    *[Case("POST", f"{SEARCHES}/2/verifications", body=VERIFICATION)] * 2,
    *[Case("POST", f"{SEARCHES}/2/retests", body=RETEST)] * 2,
    Case("POST", f"{SEARCHES}/2/retests", body={**RETEST, "data": {"name": "table", "ignore": ["b"]}}),
    Case("GET", f"{SEARCHES}/2/retests"),
    Case("DELETE", f"{SEARCHES}/2/retests/schedule"),
    Case("POST", f"{TRIALS_OF}/2.0/rerun"),
    Case("GET", f"{TRIALS_OF}/2.0/attempts"),
    Case("GET", f"{TRIALS_OF}/2.0/diagnosis"),
    *[Case("POST", f"{TRIALS_OF}/1.1/commands", body=EXTEND)] * 2,
    Case("GET", f"{TRIALS_OF}/1.1/commands"),
    Case("GET", f"{TRIALS_OF}/1.1/steering"),
    Case("GET", f"{TRIALS_OF}/2.0/rewind", {"epoch": "1", "branch": "0"}),
    Case("GET", f"{TRIALS_OF}/2.0/schedule", {"branch": "0"}),
    Case("GET", f"{TRIALS_OF}/2.0/predictions"),
    *[
        Case(
            "POST",
            f"{TRIALS_OF}/2.0/predict",
            body={"rows": [{"a": 1, "b": 2}, {"a": None, "b": 3}]},
            weight=RARE,
        )
    ]
    * 2,
    Case("POST", f"{TRIALS_OF}/2.0/predict", body={"rows": [[1, 2], [None, 3]]}, weight=RARE),
    Case(
        "GET",
        f"{TRIALS_OF}/2.0/decision-boundary",
        {"x": "a", "y": "b", "resolution": "5", "row": "55", "target": "y"},
        weight=RARE,
    ),
    Case("GET", f"{TRIALS_OF}/2.0/loss-plane", {"resolution": "5", "rows": "20"}),
    Case("GET", f"{TRIALS_OF}/2.0/errors", ERRORS),
    Case("GET", f"{TRIALS_OF}/2.0/errors/tags", {"part": "dev"}),
    Case("GET", f"{TRIALS_OF}/2.0/errors/slices", {"part": "dev"}),
    Case("GET", f"{TRIALS_OF}/2.0/errors/export", {"part": "dev", "show": "wrong", "tag": "blurred"}),
    *[Case("PUT", f"{TRIALS_OF}/2.0/errors/dev/55", body={"tags": ["blurred"], "label": "q"}, weight=RARE)]
    * 2,
    Case("POST", f"{TRIALS_OF}/2.0/errors/versions", body={"name": "mended", "part": "dev"}, weight=RARE),
    Case("POST", f"{TRIALS_OF}/2.0/test", body={"why": "the end"}),
    Case("GET", f"{TRIALS_OF}/2.0/test"),
    Case("POST", f"{TRIALS_OF}/2.0/exclude", body={"reason": "a leak"}),
    Case("POST", f"{TRIALS_OF}/2.0/include"),
    Case("GET", f"{API}/trainers"),
    Case("GET", f"{API}/datasets"),
    Case("POST", f"{API}/datasets", UPLOAD, content=TABLE, weight=RARE),
    Case("GET", f"{API}/datasets/iris"),
    Case("GET", f"{API}/datasets/iris/content"),
    Case("DELETE", f"{API}/datasets/none"),
    Case("GET", f"{API}/session"),
    Case("DELETE", f"{API}/session"),
    Case("GET", f"{API}/tokens"),
    *[Case("POST", f"{API}/webhooks", body=HOOK)] * 2,
    Case("GET", f"{API}/webhooks"),
    Case("DELETE", f"{API}/webhooks/9"),
    Case("POST", f"{API}/webhooks/9/test"),
    *[Case("GET", path) for path in ("/livez", "/readyz", "/metrics")],
]
