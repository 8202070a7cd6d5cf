#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The recipes as C strings: embed.py OUTPUT FILE..."""
import os
import sys

with open(sys.argv[1], "w") as out:
    out.write('#include "cli/attach.h"\n\nconst struct attach_text attach_texts[] = {\n')
    for path in sys.argv[2:]:
        name = os.path.splitext(os.path.basename(path))[0]
        out.write('\t{ "%s",\n' % name)
        with open(path) as text:
            for line in text:
                quoted = line.rstrip("\n").replace("\\", "\\\\").replace('"', '\\"')
                out.write('\t\t"%s\\n"\n' % quoted)
        out.write("\t},\n")
    out.write("};\nconst size_t n_attach_texts = sizeof(attach_texts) / sizeof(*attach_texts);\n")
