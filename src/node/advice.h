/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator can do about a link that does not come up, by the reason that the connection or the link gave. */
#ifndef NODE_ADVICE_H
#define NODE_ADVICE_H

/* Static text, or NULL when there is nothing better to say than the reason itself. reason may be NULL. */
const char *advice_link(const char *reason);

#endif
