/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"

size_t memory_counter;
