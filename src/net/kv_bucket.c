/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls to JetStream. The layout is that of NATS key-value buckets: the stream KV_<bucket> keeps the last message
 * of each subject $KV.<bucket>.<key>, and its sequence number is the entry's revision. The interface of libnats for
 * them is not used: it does not tell a lost race from a broker that is not there, and watches by a consumer,
 * which lives on one broker and dies with it.
 *
 * A revision is checked by the stream's leader when a message comes, and in nats-server up to 2.9.20 not again when the
 * brokers have agreed on its place: of two that arrive together both could pass (their issue 4320). So each
 * replacement has a message id as well, made of key and the value that it replaces: of two with the same one the
 * brokers keep the first, in the order that they agreed on. (Whether an entry is not there yet they do check in
 * that order; a new entry needs no id.)
 *
 * Nor is a revision for ever that of one entry: after a broker died while several wrote, brokers of 2.9 may count
 * differently (their issue 4174), and with the next leader all numbers are others. What was 146 is 143 then, and 146
 * becomes the number of what somebody put in its place; by the number alone one could replace what one has never
 * seen. Hence the value in the id, and a look at the entry before. What is put there after this look by somebody
 * else has the same id.
 *
 * An entry is removed by an empty value in its place, which is a compare-and-set like any other, and then by deleting
 * this very message. Until that is done, by the one who wrote it or by whoever finds it, nothing can be put there: the
 * empty message is never replaced by its revision. Otherwise two that write at once, one by that
 * revision and one that knows of no entry, would have different message ids and could both win.
 *
 * A message is deleted by its number, and by that of a look just before: with another leader it may have become that
 * of another entry. What is left is a broker that counts differently from its leader; it loses another entry then. To
 * purge the subject instead would hit none, but with 2.9.10 entries were lost when the leader had died: in two of
 * eleven runs of case_removals_hit_nothing_else (tests/scenario/leases.py), once all of them.
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "net/kv_int.h"

enum {
	SUBJECT = KV_NAME + NET_KV_KEY + 8, /* of an id, too */
	HEADER_BYTES = 1024, /* of a message beside the value */
	ID_HASH = 16, /* bytes of a value's hash */
	ID_WINDOW_S =
		120, /* for which brokers remember message ids; a question takes seconds at most */
};

static jsOptions call_options(const struct net_kv *kv)
{
	jsOptions o;

	jsOptions_Init(&o);
	o.Wait = kv->set.call_ms;
	return o;
}

static void set_subject(const struct net_kv *kv, const char *key, char ret[SUBJECT])
{
	snprintf(ret, SUBJECT, "$KV.%s.%s", kv->bucket, key);
}

/* --- the bucket --- */

static bool as_it_must_be(const jsStreamConfig *c, const char *subjects)
{
	return c->SubjectsLen == 1 && strcmp(c->Subjects[0], subjects) == 0 && !c->RePublish &&
		!c->Mirror && c->SourcesLen == 0 && c->MaxMsgsPerSubject == 1 && c->MaxAge == 0 &&
		c->Duplicates >= ID_WINDOW_S * 1000000000LL && c->Retention == js_LimitsPolicy &&
		c->Discard == js_DiscardNew && !c->AllowDirect;
}

static natsStatus make(struct net_kv *kv, const char *subjects, jsErrCode *code)
{
	jsStreamConfig c;
	jsOptions o = call_options(kv);

	jsStreamConfig_Init(&c);
	c.Name = kv->stream;
	c.Subjects = &subjects;
	c.SubjectsLen = 1;
	c.MaxMsgsPerSubject = 1;
	c.MaxBytes = (int64_t)kv->set.bytes;
	c.MaxMsgSize = (int32_t)(kv->set.value_bytes + HEADER_BYTES);
	c.Storage = js_FileStorage;
	c.Replicas = kv->set.replicas;
	c.Discard = js_DiscardNew;
	c.Duplicates = ID_WINDOW_S * 1000000000LL;
	return js_AddStream(NULL, kv->js, &c, &o, code);
}

bool kv_bucket_ready(struct net_kv *kv, char *text, size_t size)
{
	char subjects[SUBJECT];
	jsStreamInfo *info = NULL;
	jsErrCode code = 0;
	jsOptions o = call_options(kv);

	snprintf(subjects, sizeof(subjects), "$KV.%s.>", kv->bucket);
	natsStatus status = js_GetStreamInfo(&info, kv->js, kv->stream, &o, &code);
	if (status == NATS_NOT_FOUND) {
		make(kv, subjects, &code);
		status = js_GetStreamInfo(&info, kv->js, kv->stream, &o, &code);
	}
	if (status == NATS_OK && info->Cluster && !info->Cluster->Leader)
		status = NATS_NO_RESPONDERS; /* of the bucket: who answered leads the others */
	bool good = status == NATS_OK && as_it_must_be(info->Config, subjects);
	if (status != NATS_OK)
		snprintf(text, size, "no bucket of leases: %s (%d)", natsStatus_GetText(status),
			(int)code);
	else if (!good)
		snprintf(text, size, "the bucket of leases is set up in another way: remove %s",
			kv->stream);
	jsStreamInfo_Destroy(info);
	return good;
}

/* --- entries --- */

static bool is_silence(natsStatus status)
{
	return status == NATS_TIMEOUT || status == NATS_NO_RESPONDERS;
}

static void set_id(const struct kv_job *job, char ret[SUBJECT])
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	size_t len = NET_KV_KEY;

	check(EVP_Digest(job->old ? job->old : "", job->old_len, hash, NULL, EVP_sha256(), NULL) ==
		1);
	snprintf(ret, SUBJECT, "%s.", job->key);
	for (size_t i = 0; i < ID_HASH; i++)
		len += (size_t)snprintf(ret + len, SUBJECT - len, "%02x", hash[i]);
}

/* ret_second: another message that replaces the same entry was there first. */
static natsStatus publish(struct net_kv *kv, const struct kv_job *job, uint64_t *ret_revision,
	bool *ret_second, jsErrCode *code)
{
	char subject[SUBJECT], expected[24], id[SUBJECT];
	natsMsg *msg = NULL;
	jsPubAck *ack = NULL;
	jsPubOptions o;

	set_subject(kv, job->key, subject);
	snprintf(expected, sizeof(expected), "%llu", (unsigned long long)job->revision);
	jsPubOptions_Init(&o);
	o.MaxWait = kv->set.call_ms;
	o.ExpectStream = kv->stream;
	set_id(job, id);
	o.MsgId = job->revision ? id : NULL;
	natsStatus status =
		natsMsg_Create(&msg, subject, NULL, job->len ? job->value : "", (int)job->len);
	status = status ? status
			: natsMsgHeader_Set(msg, "Nats-Expected-Last-Subject-Sequence", expected);
	status = status ? status : js_PublishMsg(&ack, kv->js, msg, &o, code);
	if (status == NATS_OK) {
		*ret_revision = ack->Sequence;
		*ret_second = ack->Duplicate;
	}
	jsPubAck_Destroy(ack);
	natsMsg_Destroy(msg);
	return status;
}

/* Of the removal only this message is left. */
static void forget(struct net_kv *kv, uint64_t revision)
{
	jsOptions o = call_options(kv);
	jsErrCode code = 0;

	js_DeleteMsg(kv->js, kv->stream, revision, &o, &code);
}

/* What stands there now, if it is the empty message of a removal, is deleted. */
static void clear(struct net_kv *kv, const char *key)
{
	struct kv_job seen = { .kind = KV_GET };

	memcpy(seen.key, key, NET_KV_KEY);
	kv_bucket_get(kv, &seen);
	free(seen.value);
}

/* Is there what the job is to replace? False: it has its answer. */
static bool is_there(struct net_kv *kv, struct kv_job *job)
{
	struct kv_job seen = { .kind = KV_GET };

	memcpy(seen.key, job->key, NET_KV_KEY);
	kv_bucket_get(kv, &seen);
	if (seen.answer == NET_KV_LOST && seen.revision == job->revision &&
		seen.len == job->old_len &&
		(seen.len == 0 || memcmp(seen.value, job->old, seen.len) == 0)) {
		free(seen.value);
		return true;
	}
	free(job->value);
	job->value = seen.value;
	job->len = seen.len;
	job->answer = seen.answer == NET_KV_LOST ? NET_KV_LOST : NET_KV_UNASKED;
	job->silent = seen.silent;
	job->revision = seen.revision;
	return false;
}

void kv_bucket_put(struct net_kv *kv, struct kv_job *job)
{
	jsErrCode code = 0;
	uint64_t revision = 0;
	bool second = false;

	if (job->revision && !is_there(kv, job))
		return;
	natsStatus status = publish(kv, job, &revision, &second, &code);

	job->answer = NET_KV_UNAVAILABLE;
	job->silent = is_silence(status);
	if (status == NATS_OK && !second) {
		job->answer = NET_KV_WON;
		job->revision = job->len ? revision : 0;
		if (job->len == 0)
			clear(kv, job->key);
	} else if (second || code == JSStreamWrongLastSequenceErr) {
		kv_bucket_get(kv, job);
	}
}

void kv_bucket_get(struct net_kv *kv, struct kv_job *job)
{
	char subject[SUBJECT];
	natsMsg *msg = NULL;
	jsErrCode code = 0;
	jsOptions o = call_options(kv);

	set_subject(kv, job->key, subject);
	natsStatus status = js_GetLastMsg(&msg, kv->js, kv->stream, subject, &o, &code);
	job->silent = is_silence(status);
	free(job->value);
	job->value = NULL;
	job->len = 0;
	job->revision = 0;
	job->answer =
		status == NATS_OK || status == NATS_NOT_FOUND ? NET_KV_LOST : NET_KV_UNAVAILABLE;
	if (status != NATS_OK)
		return;
	int len = natsMsg_GetDataLength(msg);
	if (len > 0)
		job->revision = natsMsg_GetSequence(msg);
	else
		forget(kv, natsMsg_GetSequence(msg));
	if (len > 0 && (size_t)len <= kv->set.value_bytes) {
		job->len = (size_t)len;
		job->value = malloc(job->len);
		check(job->value);
		memcpy(job->value, natsMsg_GetData(msg), job->len);
	}
	natsMsg_Destroy(msg);
}
