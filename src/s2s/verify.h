/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking a sender's own server whether a dialback key is its own (XEP-0220 section 2.1.2). The
 * question goes over the pair's outgoing stream, which is opened when there is none.
 * Every question ends with an answer to the asker: valid, invalid or an error.
 */
#ifndef S2S_VERIFY_H
#define S2S_VERIFY_H

#include "s2s/member.h"

/* Starts on the question that m stands for. */
void verify_begin(struct member *m);
/* Waits for what the certificate says first. */
void verify_wait(struct member *m);
/* Ends the question badly. condition NULL: the key is invalid. */
void verify_refuse(struct member *m, const char *condition);
/* The pair's outgoing stream can carry questions now. */
void verify_ask_all(struct s2s_pair *p);
/* The outgoing stream is gone: what was asked on it must be asked again. */
void verify_forget_asked(struct s2s_pair *p);
/* Is there a key that their server has to be asked about? One that the certificate may prove yet does not count. */
bool verify_any_to_ask(const struct s2s_pair *p);
/* Nobody can be asked. */
void verify_fail_all(struct s2s_pair *p, enum s2s_failure failure);
/* An answer came on the outgoing stream s. False: to no open question. */
bool verify_on_answer(struct s2s_stream *s, struct str id, struct str type, struct str condition);
void verify_on_timer(struct s2s_face *f, struct timer *t);

#endif
