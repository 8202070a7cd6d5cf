/* SPDX-License-Identifier: Apache-2.0 */
#include "node/state.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "node/carrier.h"
#include "node/gate.h"
#include "node/isolation.h"
#include "node/rules.h"

static uint64_t resident_bytes(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (!f)
		return 0;
	if (fscanf(f, "%*u %lu", &pages) != 1)
		pages = 0;
	fclose(f);
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static uint64_t count_watchers(const struct node *n)
{
	uint64_t count = 0;

	LIST_EACH (&n->watchers, it)
		count++;
	return count;
}

void state_write(struct node *n, struct excerpt *e, struct buf *out)
{
	struct json j;

	json_init(&j, out);
	json_object(&j, NULL);
	json_object(&j, "node");
	json_str(&j, "id", n->config->node);
	json_cstr(&j, "role", n->role->link == LINK_OUTER ? "outer" : "inner");
	json_cstr(&j, "version", SALLYPORT_VERSION);
	json_u64(&j, "boot", n->boot_id);
	json_u64(&j, "pid", (uint64_t)getpid());
	json_u64(&j, "uptime_ms", n->now - n->started);
	json_u64(&j, "rss", resident_bytes());
	json_u64(&j, "memory_held", memory_held());
	json_bool(&j, "memory_short", n->memory_short);
	json_u64(&j, "cpu_us", cpu_us());
	json_cstr(&j, "profile", n->config->open_profile ? "open" : "standard");
	uint64_t waiting, refused;
	net_get_handshakes(n->loop, &waiting, &refused);
	json_u64(&j, "handshakes_waiting", waiting);
	json_u64(&j, "handshakes_refused", refused);
	json_bool(&j, "draining", n->draining);
	isolation_write(n, &j);
	json_u64(&j, "watchers", count_watchers(n));
	json_end(&j);
	link_status(n->link, n->now, e, &j);
	carrier_status(n->carrier, &j);
	s2s_status(n->face, n->now, e, &j);
	gate_status(n->gate, "limits", &j);
	gate_status(n->link_gate, "link_limits", &j);
	json_object(&j, "relay");
#define X(name, help) json_u64(&j, #name, n->counters.name);
	NODE_COUNTERS(X)
#undef X
	json_end(&j);
	json_object(&j, "rules");
	for (unsigned i = 0; i < CONFIG_RULES; i++)
		json_u64(&j, config_rule_rows[i].name, n->rule_hits[i]);
	json_u64(&j, "addresses", n->rule_hits[CONFIG_RULES]);
	json_end(&j);
	rules_write_waves(n, &j);
	json_end(&j);
	buf_append_c(out, "\n");
}
