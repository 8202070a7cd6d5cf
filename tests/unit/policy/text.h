/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest configurations with the local domains of these tests; a case adds its lines. */
#ifndef TEST_POLICY_TEXT_H
#define TEST_POLICY_TEXT_H

#define OUTER_BASE                                                                                 \
	"node outer-a\n"                                                                           \
	"domain example.se rooms.example.se pubsub.example.se { certificate \"c\" key \"k\" }\n"   \
	"listen s2s 192.0.2.1:5269\n"                                                              \
	"listen link 10.0.0.1:5280 { certificate \"c\" key \"k\" trust \"t\" accept inner-a }\n"

#define INNER_BASE                                                                                 \
	"node inner-a\n"                                                                           \
	"link outer-a 10.0.0.1:5280 { certificate \"c\" key \"k\" trust \"t\" }\n"                 \
	"server main 10.2.0.5:5269 {\n"                                                            \
	"  domain example.se rooms.example.se pubsub.example.se allow plaintext }\n"               \
	"listen s2s 10.2.0.4:5269\n"

#endif
