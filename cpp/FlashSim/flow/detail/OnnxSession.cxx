// Part of FlashSim for RDataFrame.
#include "FlashSim/flow/detail/OnnxSession.hxx"

#include "FlashSim/OnnxRuntime.hxx"
#include "FlashSim/interrupts/Interruption.hxx"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <dlfcn.h>
#include <mutex>
#include <stdexcept>
#include <utility>

namespace FlashSim {
namespace {

/// The loaded library with its one environment. Never unloaded: sessions may outlive any static of ours.
struct Runtime {
   const Ort::ApiBase *fBase = nullptr;
   const Ort::Api *fApi = nullptr;
   Ort::Env *fEnv = nullptr;
   Ort::MemoryInfo *fCpuMemory = nullptr;
   Ort::Allocator *fAllocator = nullptr;
   Ort::RunOptions *fRunOptions = nullptr; ///< of all runs, so that one call stops them all
};

/// For StopRuns(), a signal handler: set once, before it can be called.
const Ort::Api *gApi = nullptr;
Ort::RunOptions *gRunOptions = nullptr;

/// Sets a flag that ONNX Runtime looks at before each node, also in the body of a Loop.
void StopRuns()
{
   gApi->RunOptionsSetTerminate(gRunOptions);
}

void AllowRuns()
{
   gApi->RunOptionsUnsetTerminate(gRunOptions);
}

std::mutex &LibraryPathMutex()
{
   static std::mutex mutex;
   return mutex;
}

std::string &LibraryPath()
{
   static std::string path;
   return path;
}

std::vector<std::string> CandidateLibraries()
{
   {
      const std::lock_guard<std::mutex> lock(LibraryPathMutex());
      if (!LibraryPath().empty())
         return {LibraryPath()};
   }
   if (const char *path = std::getenv("FLASHSIM_ONNXRUNTIME"))
      return {path};
   return {"libonnxruntime.so.1", "libonnxruntime.so", "libonnxruntime.dylib"};
}

void ThrowOnError(const Ort::Api &api, Ort::Status *status, const std::string &what)
{
   if (status == nullptr)
      return;
   // ONNX Runtime's message about a damaged file may quote its bytes.
   const std::string message = Printable(api.GetErrorMessage(status));
   api.ReleaseStatus(status);
   throw std::runtime_error("FlashSim: " + what + ": " + message);
}

Runtime LoadRuntime()
{
   Runtime runtime;
   void *handle = nullptr;
   std::string tried;
   for (const std::string &path : CandidateLibraries()) {
      handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
      if (handle != nullptr)
         break;
      tried += "\n  " + path + ": " + dlerror();
   }
   if (handle == nullptr) {
      throw std::runtime_error(
          "FlashSim: the ONNX Runtime library was not found. In Python, `pip install onnxruntime`; in "
          "C++, call FlashSim::SetOnnxRuntimeLibrary(path) or set the environment variable "
          "FLASHSIM_ONNXRUNTIME to the path of libonnxruntime.so. Tried:" +
          tried);
   }
   using GetBase = const Ort::ApiBase *(*)();
   const auto getBase = reinterpret_cast<GetBase>(dlsym(handle, "OrtGetApiBase"));
   if (getBase == nullptr)
      throw std::runtime_error(
          "FlashSim: the library given as ONNX Runtime has no function OrtGetApiBase. Expected libonnxruntime.");
   runtime.fBase = getBase();
   runtime.fApi = runtime.fBase->GetApi(Ort::kApiVersion);
   if (runtime.fApi == nullptr) {
      throw std::runtime_error(std::string("FlashSim: ONNX Runtime ") + runtime.fBase->GetVersionString() +
                               " is older than the C interface used here; 1.17 or newer is needed.");
   }
   const auto &api = *runtime.fApi;
   ThrowOnError(api, api.CreateEnv(Ort::kError, "flashsim", &runtime.fEnv), "starting ONNX Runtime");
   ThrowOnError(api, api.CreateCpuMemoryInfo(Ort::kDeviceAllocator, Ort::kMemoryDefault, &runtime.fCpuMemory),
                "starting ONNX Runtime");
   ThrowOnError(api, api.GetAllocatorWithDefaultOptions(&runtime.fAllocator), "starting ONNX Runtime");
   ThrowOnError(api, api.CreateRunOptions(&runtime.fRunOptions), "starting ONNX Runtime");
   gApi = runtime.fApi;
   gRunOptions = runtime.fRunOptions;
   SetInterruptionCallbacks(StopRuns, AllowRuns);
   return runtime;
}

const Runtime &GetRuntime()
{
   static const Runtime runtime = LoadRuntime();
   return runtime;
}

/// Takes over a string that ONNX Runtime allocated.
std::string TakeString(const Runtime &runtime, char *text)
{
   if (text == nullptr)
      return {};
   std::string copy = text;
   ThrowOnError(*runtime.fApi, runtime.fApi->AllocatorFree(runtime.fAllocator, text), "freeing a string");
   return copy;
}

TensorDescription DescribeTensor(const Runtime &runtime, char *name, Ort::TypeInfo *type)
{
   const auto &api = *runtime.fApi;
   const std::unique_ptr<Ort::TypeInfo, void (*)(Ort::TypeInfo *)> owner(type, api.ReleaseTypeInfo);
   TensorDescription description;
   description.fName = Printable(TakeString(runtime, name));
   const Ort::TensorShapeInfo *shape = nullptr;
   ThrowOnError(api, api.CastTypeInfoToTensorInfo(type, &shape), "reading tensor '" + description.fName + "'");
   if (shape == nullptr) // a sequence or a map: no element type that fits the contract
      return description;
   Ort::ElementType elementType{};
   ThrowOnError(api, api.GetTensorElementType(shape, &elementType), "reading tensor '" + description.fName + "'");
   description.fElementType = elementType;
   std::size_t rank = 0;
   ThrowOnError(api, api.GetDimensionsCount(shape, &rank), "reading tensor '" + description.fName + "'");
   description.fDimensions.resize(rank);
   ThrowOnError(api, api.GetDimensions(shape, description.fDimensions.data(), rank),
                "reading tensor '" + description.fName + "'");
   return description;
}

class TensorView {
public:
   TensorView(const Runtime &runtime, Ort::ElementType type, void *data, std::size_t bytes, const std::int64_t *shape,
              std::size_t rank)
      : fApi(*runtime.fApi)
   {
      ThrowOnError(fApi,
                   fApi.CreateTensorWithDataAsOrtValue(runtime.fCpuMemory, data, bytes, shape, rank, type, &fValue),
                   "wrapping a buffer as a tensor");
   }
   ~TensorView()
   {
      if (fValue != nullptr)
         fApi.ReleaseValue(fValue);
   }
   TensorView(TensorView &&other) noexcept : fApi(other.fApi), fValue(std::exchange(other.fValue, nullptr)) {}
   TensorView(const TensorView &) = delete;
   TensorView &operator=(const TensorView &) = delete;
   TensorView &operator=(TensorView &&) = delete;
   Ort::Value *Get() const { return fValue; }

private:
   const Ort::Api &fApi;
   Ort::Value *fValue = nullptr;
};

} // namespace

void SetOnnxRuntimeLibrary(const std::string &path)
{
   const std::lock_guard<std::mutex> lock(LibraryPathMutex());
   LibraryPath() = path;
}

std::string GetOnnxRuntimeVersion()
{
   return GetRuntime().fBase->GetVersionString();
}

std::string GetElementTypeName(int elementType)
{
   static const std::array<const char *, 17> names{
       "no tensor", "float32", "uint8",   "int8",   "uint16", "int16",     "int32",      "int64",   "string",
       "bool",      "float16", "float64", "uint32", "uint64", "complex64", "complex128", "bfloat16"};
   const auto index = static_cast<std::size_t>(elementType);
   return index < names.size() ? names[index] : "element type " + std::to_string(elementType) + " of ONNX";
}

OnnxSession::OnnxSession(const ModelFile &file) : fPath(file.fPath)
{
   const std::string &path = fPath;
   const Runtime &runtime = GetRuntime();
   const auto &api = *runtime.fApi;
   Ort::SessionOptions *options = nullptr;
   ThrowOnError(api, api.CreateSessionOptions(&options), "preparing model '" + path + "'");
   const std::unique_ptr<Ort::SessionOptions, void (*)(Ort::SessionOptions *)> owner(options,
                                                                                     api.ReleaseSessionOptions);
   ThrowOnError(api, api.SetIntraOpNumThreads(options, 1), "preparing model '" + path + "'");
   ThrowOnError(api, api.SetInterOpNumThreads(options, 1), "preparing model '" + path + "'");
   ThrowOnError(api, api.SetSessionGraphOptimizationLevel(options, Ort::kEnableAll), "preparing model '" + path + "'");
   // Only a session made from a path knows the folder in which to look for data files.
   ThrowOnError(api,
                file.fDataFiles.empty() ? api.CreateSessionFromArray(runtime.fEnv, file.fModel.data(),
                                                                     file.fModel.size(), options, &fSession)
                                        : api.CreateSession(runtime.fEnv, path.c_str(), options, &fSession),
                "model '" + path + "' is not one that ONNX Runtime " + GetOnnxRuntimeVersion() + " can load");
   const auto describe = [&](auto getCount, auto getName, auto getType) {
      std::vector<TensorDescription> tensors;
      std::size_t count = 0;
      ThrowOnError(api, getCount(fSession, &count), path);
      for (std::size_t i = 0; i < count; ++i) {
         char *name = nullptr;
         Ort::TypeInfo *type = nullptr;
         ThrowOnError(api, getName(fSession, i, runtime.fAllocator, &name), path);
         ThrowOnError(api, getType(fSession, i, &type), path);
         tensors.push_back(DescribeTensor(runtime, name, type));
      }
      return tensors;
   };
   try {
      fInputs = describe(api.SessionGetInputCount, api.SessionGetInputName, api.SessionGetInputTypeInfo);
      fOutputs = describe(api.SessionGetOutputCount, api.SessionGetOutputName, api.SessionGetOutputTypeInfo);
   } catch (...) {
      api.ReleaseSession(fSession);
      throw;
   }
}

OnnxSession::~OnnxSession()
{
   GetRuntime().fApi->ReleaseSession(fSession);
}

void OnnxSession::Run(const Batch &batch) const
{
   const Runtime &runtime = GetRuntime();
   const auto rows = static_cast<std::int64_t>(batch.fRows);
   const auto isTable = fOutputs.front().fDimensions.size() > 1;
   const auto view = [&](const float *data, std::size_t width, std::size_t rank) {
      const std::array<std::int64_t, 2> shape{rows, static_cast<std::int64_t>(width)};
      // ONNX Runtime takes inputs through pointers to non-const memory and does not write to them.
      return TensorView(runtime, Ort::kFloat, const_cast<float *>(data), batch.fRows * width * sizeof(float),
                        shape.data(), rank);
   };
   std::vector<TensorView> tensors;
   std::vector<const char *> names;
   std::vector<const Ort::Value *> inputs;
   const auto add = [&](const char *name, TensorView &&tensor) {
      names.push_back(name);
      inputs.push_back(tensor.Get());
      tensors.push_back(std::move(tensor));
   };
   if (batch.fNoise.fWidth > 0)
      add("noise", view(batch.fNoise.fData, batch.fNoise.fWidth, 2));
   add("context", view(batch.fContext.fData, batch.fContext.fWidth, 2));
   auto steps = batch.fSteps.value_or(0);
   if (batch.fSteps)
      add("steps", TensorView(runtime, Ort::kInt64, &steps, sizeof(steps), nullptr, 0));
   const auto output = view(batch.fOutput, batch.fOutputWidth, isTable ? 2 : 1);
   const char *outputName = fOutputs.front().fName.c_str();
   Ort::Value *outputValue = output.Get();
   auto *status = runtime.fApi->Run(fSession, runtime.fRunOptions, names.data(), inputs.data(), inputs.size(),
                                    &outputName, 1, &outputValue);
   if (status != nullptr && IsInterrupted()) {
      runtime.fApi->ReleaseStatus(status);
      throw Interrupted();
   }
   ThrowOnError(*runtime.fApi, status, "running model '" + fPath + "'");
}

} // namespace FlashSim
