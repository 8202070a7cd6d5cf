/* SPDX-License-Identifier: Apache-2.0 */
/* Intrusive doubly linked lists: a struct list is the head or a member's link. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *prev;
	struct list *next;
};

/* clang-format off */
#define LIST_OWNER(link, type, member) ((type *)(void *)((char *)(link) - offsetof(type, member)))
/* clang-format on */

/* The loop body must not remove the current member; see LIST_EACH_SAFE. */
#define LIST_EACH(head, it) for (struct list *it = (head)->next; it != (head); it = it->next)
#define LIST_EACH_SAFE(head, it)                                                                   \
	for (struct list *it = (head)->next, *it##_next = it->next; it != (head);                  \
		it = it##_next, it##_next = it->next)

static inline void list_init(struct list *l)
{
	l->prev = l->next = l;
}

static inline bool list_empty(const struct list *head)
{
	return head->next == head;
}

static inline void list_append(struct list *head, struct list *l)
{
	l->prev = head->prev;
	l->next = head;
	head->prev->next = l;
	head->prev = l;
}

/* Safe to call again: a removed link points to itself. */
static inline void list_remove(struct list *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	list_init(l);
}

static inline struct list *list_first(struct list *head)
{
	return list_empty(head) ? NULL : head->next;
}

/* Moves all members of from to the empty list to. */
static inline void list_move(struct list *from, struct list *to)
{
	list_init(to);
	if (list_empty(from))
		return;
	*to = *from;
	to->next->prev = to;
	to->prev->next = to;
	list_init(from);
}

#endif
