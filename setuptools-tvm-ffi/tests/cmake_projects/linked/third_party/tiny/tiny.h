#pragma once

#ifdef __cplusplus
extern "C" {
#endif
int tiny_next(void);
#ifdef __cplusplus
}
#endif
