/* SPDX-License-Identifier: Apache-2.0 */
/* Texts for the tests of config: the smallest complete files, to which a case adds its lines. */
#ifndef TEST_CONFIG_TEXT_H
#define TEST_CONFIG_TEXT_H

/* Four lines each. */
#define OUTER_TEXT                                                                                 \
	"node outer-a\n"                                                                           \
	"domain example.se { certificate \"c\" key \"k\" }\n"                                      \
	"listen s2s 192.0.2.1:5269\n"                                                              \
	"listen link 10.0.0.1:5280 { certificate \"c\" key \"k\" trust \"t\" accept inner-a }\n"

#define INNER_TEXT                                                                                 \
	"node inner-a\n"                                                                           \
	"link outer-a 10.0.0.1:5280 { certificate \"c\" key \"k\" trust \"t\" }\n"                 \
	"server main 10.2.0.5:5269 { domain example.se allow plaintext }\n"                        \
	"listen s2s 10.2.0.4:5269\n"

#endif
