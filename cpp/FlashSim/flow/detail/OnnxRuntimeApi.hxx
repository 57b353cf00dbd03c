// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_ONNXRUNTIMEAPI
#define FLASHSIM_ONNXRUNTIMEAPI

#include <cstddef>
#include <cstdint>

/// \file
/// The part of ONNX Runtime's C interface that FlashSim calls.
///
/// The `onnxruntime` wheels ship the library without its headers. The C interface is one table of function pointers,
/// published by `OrtGetApiBase()->GetApi(version)`. Its order is frozen: new functions are added at the end only. So
/// the prefix used here is declared from that documented order (onnxruntime_c_api.h), with the other functions as
/// padding, counted in slots. A function has the same place in every ONNX Runtime.
namespace FlashSim::Ort {

struct Env;
struct Status;
struct Session;
struct SessionOptions;
struct RunOptions;
struct Value;
struct MemoryInfo;
struct Allocator;
struct TypeInfo;
struct TensorShapeInfo;

enum LoggingLevel : int { kError = 3 };
enum ElementType : int { kFloat = 1, kInt64 = 7 };
enum AllocatorType : int { kDeviceAllocator = 0 };
enum MemoryType : int { kMemoryDefault = 0 };
enum OptimizationLevel : int { kEnableAll = 99 };

using Slot = void (*)();

// clang-format off
struct Api {
   Slot fCreateStatus[2];                                                                                        // 0-1
   const char *(*GetErrorMessage)(const Status *);                                                               // 2
   Status *(*CreateEnv)(LoggingLevel, const char *, Env **);                                                     // 3
   Slot fTelemetry[3];                                                                                           // 4-6
   Status *(*CreateSession)(const Env *, const char *, const SessionOptions *, Session **);                      // 7
   Status *(*CreateSessionFromArray)(const Env *, const void *, std::size_t, const SessionOptions *, Session **); // 8
   Status *(*Run)(Session *, const RunOptions *, const char *const *, const Value *const *, std::size_t,
                  const char *const *, std::size_t, Value **);                                                   // 9
   Status *(*CreateSessionOptions)(SessionOptions **);                                                           // 10
   Slot fProfiling[12];                                                                                          // 11-22
   Status *(*SetSessionGraphOptimizationLevel)(SessionOptions *, OptimizationLevel);                             // 23
   Status *(*SetIntraOpNumThreads)(SessionOptions *, int);                                                       // 24
   Status *(*SetInterOpNumThreads)(SessionOptions *, int);                                                       // 25
   Slot fCustomOps[4];                                                                                           // 26-29
   Status *(*SessionGetInputCount)(const Session *, std::size_t *);                                              // 30
   Status *(*SessionGetOutputCount)(const Session *, std::size_t *);                                             // 31
   Slot fOverridableCount;                                                                                       // 32
   Status *(*SessionGetInputTypeInfo)(const Session *, std::size_t, TypeInfo **);                                // 33
   Status *(*SessionGetOutputTypeInfo)(const Session *, std::size_t, TypeInfo **);                               // 34
   Slot fOverridableType;                                                                                        // 35
   Status *(*SessionGetInputName)(const Session *, std::size_t, Allocator *, char **);                           // 36
   Status *(*SessionGetOutputName)(const Session *, std::size_t, Allocator *, char **);                          // 37
   Slot fOverridableName;                                                                                        // 38
   Status *(*CreateRunOptions)(RunOptions **);                                                                   // 39
   Slot fRunLogging[6];                                                                                          // 40-45
   Status *(*RunOptionsSetTerminate)(RunOptions *);                                                              // 46
   Status *(*RunOptionsUnsetTerminate)(RunOptions *);                                                            // 47
   Slot fCreateTensor;                                                                                           // 48
   Status *(*CreateTensorWithDataAsOrtValue)(const MemoryInfo *, void *, std::size_t, const std::int64_t *,
                                             std::size_t, ElementType, Value **);                                // 49
   Slot fTensors[5];                                                                                             // 50-54
   Status *(*CastTypeInfoToTensorInfo)(const TypeInfo *, const TensorShapeInfo **);                              // 55
   Slot fShapes[4];                                                                                              // 56-59
   Status *(*GetTensorElementType)(const TensorShapeInfo *, ElementType *);                                      // 60
   Status *(*GetDimensionsCount)(const TensorShapeInfo *, std::size_t *);                                        // 61
   Status *(*GetDimensions)(const TensorShapeInfo *, std::int64_t *, std::size_t);                               // 62
   Slot fValues[6];                                                                                              // 63-68
   Status *(*CreateCpuMemoryInfo)(AllocatorType, MemoryType, MemoryInfo **);                                     // 69
   Slot fMemoryInfo[6];                                                                                          // 70-75
   Status *(*AllocatorFree)(Allocator *, void *);                                                                // 76
   Slot fAllocatorInfo;                                                                                          // 77
   Status *(*GetAllocatorWithDefaultOptions)(Allocator **);                                                      // 78
   Slot fKernels[14];                                                                                            // 79-92
   void (*ReleaseStatus)(Status *);                                                                              // 93
   void (*ReleaseMemoryInfo)(MemoryInfo *);                                                                      // 94
   void (*ReleaseSession)(Session *);                                                                            // 95
   void (*ReleaseValue)(Value *);                                                                                // 96
   Slot fReleaseRunOptions;                                                                                      // 97
   void (*ReleaseTypeInfo)(TypeInfo *);                                                                          // 98
   Slot fReleaseShape;                                                                                           // 99
   void (*ReleaseSessionOptions)(SessionOptions *);                                                              // 100
};
// clang-format on

static_assert(sizeof(Api) == 101 * sizeof(Slot), "The table must have the documented number of slots");
static_assert(offsetof(Api, Run) == 9 * sizeof(Slot), "Run is function 9 of the table");
static_assert(offsetof(Api, RunOptionsSetTerminate) == 46 * sizeof(Slot), "function 46 of the table");
static_assert(offsetof(Api, CreateTensorWithDataAsOrtValue) == 49 * sizeof(Slot), "function 49 of the table");
static_assert(offsetof(Api, ReleaseSessionOptions) == 100 * sizeof(Slot), "function 100 of the table");

struct ApiBase {
   const Api *(*GetApi)(std::uint32_t version);
   const char *(*GetVersionString)();
};

/// Version of the requested interface; newer libraries provide it too. It is that of ONNX Runtime 1.17, the first that
/// runs the operator set of exported flows, although all functions above are older.
constexpr std::uint32_t kApiVersion = 17;

} // namespace FlashSim::Ort

#endif
