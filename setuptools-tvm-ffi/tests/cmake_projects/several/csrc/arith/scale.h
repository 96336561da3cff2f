#pragma once

#ifdef __cplusplus
extern "C" {
#endif
long scale_by_three(long value);
#ifdef __cplusplus
}
#endif
