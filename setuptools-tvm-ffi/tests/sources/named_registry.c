/* SPDX-License-Identifier: Apache-2.0
 *
 * Registers whatever a file beside the library says, named `registry.txt`: so that one library,
 * once compiled, serves for any number of registries. A line is a kind and its fields, in
 * hexadecimal, parted by spaces, `-` for an empty one:
 *
 *   function NAME SCHEMA DOC
 *   type KEY PARENT DOC            (PARENT empty: ffi.Object)
 *   field KEY NAME SCHEMA DOC WRITABLE
 *   method KEY NAME SCHEMA DOC STATIC
 *
 * With REGISTRY defined as a header that has the same as `kRegistry`, there is no such file.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tvm/ffi/c_api.h>
#ifdef REGISTRY
#include REGISTRY
#endif

#define MAX_FIELDS 8

static int Call(void* self, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result) {
  (void)self, (void)args, (void)num_args;
  memset(result, 0, sizeof *result); /* None */
  return 0;
}

static int Get(void* field, TVMFFIAny* result) {
  (void)field;
  memset(result, 0, sizeof *result);
  return 0;
}

static int Set(void* field, const TVMFFIAny* value) {
  (void)field, (void)value;
  return 0;
}

static int Digit(int c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

/* The registry keeps what it is given for types, so that nothing here is ever freed. */
static TVMFFIByteArray Text(const char* hex) {
  size_t size = strcmp(hex, "-") == 0 ? 0 : strlen(hex) / 2;
  char* data = malloc(size + 1);
  for (size_t i = 0; i < size; ++i)
    data[i] = (char)(Digit(hex[2 * i]) * 16 + Digit(hex[2 * i + 1]));
  data[size] = '\0';
  TVMFFIByteArray text = {data, size};
  return text;
}

/* The text as JSON holds it, in quotation marks, within an object. */
static TVMFFIByteArray Metadata(TVMFFIByteArray schema) {
  char* data = malloc(2 * schema.size + 32);
  size_t size = (size_t)sprintf(data, "{\"type_schema\":\"");
  for (size_t i = 0; i < schema.size; ++i) {
    if (schema.data[i] == '"' || schema.data[i] == '\\') data[size++] = '\\';
    data[size++] = schema.data[i];
  }
  size += (size_t)sprintf(data + size, "\"}");
  TVMFFIByteArray text = {data, schema.size ? size : 0};
  return text;
}

static TVMFFIAny NewFunction(void) {
  TVMFFIAny function;
  memset(&function, 0, sizeof function);
  TVMFFIObjectHandle handle = NULL;
  if (TVMFFIFunctionCreate(NULL, Call, NULL, &handle) != 0) abort();
  function.type_index = kTVMFFIFunction;
  function.v_obj = (TVMFFIObject*)handle;
  return function;
}

static TVMFFIMethodInfo MethodInfo(const char* name, const char* schema, const char* doc) {
  TVMFFIMethodInfo info;
  memset(&info, 0, sizeof info);
  info.name = Text(name);
  info.doc = Text(doc);
  info.metadata = Metadata(Text(schema));
  info.method = NewFunction();
  return info;
}

static int32_t IndexOf(const char* key) {
  TVMFFIByteArray text = Text(key);
  int32_t index = 0;
  if (TVMFFITypeKeyToIndex(&text, &index) != 0) abort();
  return index;
}

static void AddType(const char* key, const char* parent, const char* doc) {
  int32_t above = strcmp(parent, "-") == 0 ? kTVMFFIObject : IndexOf(parent);
  TVMFFIByteArray text = Text(key);
  int32_t depth = TVMFFIGetTypeInfo(above)->type_depth + 1;
  int32_t index = TVMFFITypeGetOrAllocIndex(&text, -1, depth, 0, 1, above);
  TVMFFITypeMetadata metadata;
  memset(&metadata, 0, sizeof metadata);
  metadata.doc = Text(doc);
  metadata.total_size = 64;
  if (TVMFFITypeRegisterMetadata(index, &metadata) != 0) abort();
}

static void AddField(char** words) {
  TVMFFIFieldInfo info;
  memset(&info, 0, sizeof info);
  info.name = Text(words[2]);
  info.metadata = Metadata(Text(words[3]));
  info.doc = Text(words[4]);
  info.flags = strcmp(words[5], "31") == 0 ? kTVMFFIFieldFlagBitMaskWritable : 0;
  info.size = info.alignment = 8;
  info.offset = 24;
  info.getter = Get;
  info.setter = (void*)Set;
  if (TVMFFITypeRegisterField(IndexOf(words[1]), &info) != 0) abort();
}

static void AddMethod(char** words) {
  TVMFFIMethodInfo info = MethodInfo(words[2], words[3], words[4]);
  info.flags = strcmp(words[5], "31") == 0 ? kTVMFFIFieldFlagBitMaskIsStaticMethod : 0;
  if (TVMFFITypeRegisterMethod(IndexOf(words[1]), &info) != 0) abort();
}

static void Register(char* line) {
  char* words[MAX_FIELDS] = {0};
  int count = 0;
  for (char* word = strtok(line, " \n"); word && count < MAX_FIELDS; word = strtok(NULL, " \n")) {
    words[count++] = word;
  }
  if (strcmp(words[0], "function") == 0) {
    TVMFFIMethodInfo info = MethodInfo(words[1], words[2], words[3]);
    if (TVMFFIFunctionSetGlobalFromMethodInfo(&info, 0) != 0) abort();
  } else if (strcmp(words[0], "type") == 0) {
    AddType(words[1], words[2], words[3]);
  } else if (strcmp(words[0], "field") == 0) {
    AddField(words);
  } else {
    AddMethod(words);
  }
}

__attribute__((constructor)) static void RegisterAll(void) {
#ifdef REGISTRY
  FILE* file = fmemopen((void*)kRegistry, sizeof kRegistry - 1, "r");
#else
  Dl_info here;
  if (!dladdr((void*)RegisterAll, &here)) abort();
  const char* slash = strrchr(here.dli_fname, '/');
  char path[4096];
  snprintf(path, sizeof path, "%.*s/registry.txt", (int)(slash - here.dli_fname), here.dli_fname);
  FILE* file = fopen(path, "r");
#endif
  if (!file) abort();
  char* line = NULL;
  size_t capacity = 0;
  while (getline(&line, &capacity, file) > 0) Register(line);
  free(line);
  fclose(file);
}
