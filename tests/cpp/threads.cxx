// For ThreadSanitizer: look-ahead, sampling and oversampled histograms in several threads, compiled code only.
//
//    threads gen.root flow.onnx
//
// Reads the GEN events from a TTree, a chain and an RNTuple, and compares the results of one and of several threads.
// What ThreadSanitizer finds it prints, and makes the exit status 66. See CONTRIBUTING.md for the command.
//
// ROOT and TBB are not instrumented. ThreadSanitizer does not see how TBB hands work to its threads, nor how ROOT hands
// slots from task to task, and would take every chunk for a race. The three functions that do so in RDataFrame's event
// loops are therefore replaced below by instrumented ones of the same meaning: what starts tasks, with std::thread, and
// what gives slots, with the same atomic operations. (A program's functions come before a library's.)

#include <FlashSim/BookOversampledTH.hxx>
#include <FlashSim/Flow.hxx>
#include <FlashSim/Simulate.hxx>
#include <FlashSim/simulate/InlineFolds.hxx>

#include <ROOT/RDataFrame.hxx>
#include <ROOT/RSlotStack.hxx>
#include <ROOT/RSnapshotOptions.hxx>
#include <ROOT/TThreadExecutor.hxx>
#include <TROOT.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <filesystem>
#include <functional>
#include <iostream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

namespace {

constexpr unsigned int kThreads = 3;

std::atomic<unsigned int> nParallel{0};

} // namespace

void ROOT::TThreadExecutor::ParallelFor(unsigned int start, unsigned int end, unsigned int step,
                                        const std::function<void(unsigned int)> &task)
{
   thread_local bool isTask = false;
   const auto nTasks = (end - start + step - 1) / step;
   if (isTask || nTasks < 2) { // the clusters of one of several files, which are tasks already; or one file
      for (auto i = start; i < end; i += step)
         task(i);
      return;
   }
   ++nParallel;
   std::atomic<unsigned int> next{start};
   std::mutex mutex;
   std::exception_ptr error;
   const auto work = [&] {
      isTask = true;
      for (auto i = next.fetch_add(step); i < end; i = next.fetch_add(step)) {
         try {
            task(i);
         } catch (...) {
            const std::lock_guard<std::mutex> lock(mutex);
            error = std::current_exception();
         }
      }
      isTask = false;
   };
   std::vector<std::thread> threads;
   for (unsigned int i = 0; i < kThreads; ++i)
      threads.emplace_back(work);
   for (auto &thread : threads)
      thread.join();
   if (error)
      std::rethrow_exception(error);
}

unsigned int ROOT::Internal::RSlotStack::GetSlot()
{
   for (;;) {
      for (unsigned int slot = 0; slot < fSlots.size(); ++slot) {
         if (!fSlots[slot].fAtomic.exchange(true))
            return slot;
      }
   }
}

void ROOT::Internal::RSlotStack::ReturnSlot(unsigned int slot)
{
   fSlots[slot].fAtomic.store(false);
}

namespace {

using FlashSim::FoldOptions;

struct Numbers {
   std::vector<double> fValues;
   void Add(double value) { fValues.push_back(value); }
   void Add(const TH1 &histogram)
   {
      for (int i = 0; i < histogram.GetNcells(); ++i) {
         fValues.push_back(histogram.GetBinContent(i));
         fValues.push_back(histogram.GetBinError(i));
      }
   }
};

/// A result upstream, and many behind two FlashSim nodes in small chunks and blocks; twice, to begin anew.
Numbers RunLookAhead(const std::vector<std::string> &files, const std::string &flow)
{
   Numbers numbers;
   ROOT::RDataFrame gen("Events", files);
   auto filtered = gen.Filter([](ULong64_t event) { return event % 4 == 0; }, {"event"})
                       .Define("number", [](ULong64_t event) { return event; }, {"event"}); // uint64_t in an RNTuple
   auto upstream = filtered.Mean<float>("genWeight");
   for (int turn = 0; turn < 2; ++turn) {
      FlashSim::SimulateOptions options;
      options.fFoldSize = 3;
      options.fSeed = 1;
      options.fSteps = 1;
      options.fPrefix = "Flash";
      options.fChunkSize = turn == 0 ? 400 : 0;
      options.fBlockSize = 60;
      auto sim = FlashSim::Simulate(filtered, flow, options)
                     .Filter([](int n) { return n > 0; }, {"nFlashJet"})
                     .Define("leading", [](const ROOT::RVecF &pt) { return pt[0]; }, {"FlashJet_pt"})
                     .Define("gen", [](const ROOT::RVecF &pt) { return pt.empty() ? 0.f : pt[0]; }, {"GenJet_pt"});
      FoldOptions covariance;
      covariance.fCovariance = true;
      FoldOptions scattered;
      scattered.fContiguous = false;
      FoldOptions byEvent;
      byEvent.fEvent = {"run", "luminosityBlock", "number"};
      using namespace FlashSim;
      auto one = BookOversampled<OversampledTH1D, float, float, ULong64_t, int>(sim, {"h", "", 40, 0., 400.},
                                                                                {"leading"}, "genWeight", covariance);
      auto two = BookOversampled<OversampledTH2D, float, float, ULong64_t, int>(
          sim, {"h2", "", 8, 0., 400., 8, 0., 400.}, {"leading", "gen"}, "", scattered);
      auto jets = BookOversampled<OversampledTH1F, ROOT::RVecF, float, ULong64_t, int>(sim, {"h3", "", 20, 0., 200.},
                                                                                       {"FlashJet_pt"}, "genWeight");
      auto events = BookOversampled<OversampledTH1D, float, UInt_t, UInt_t, ULong64_t, int>(
          sim, {"h4", "", 20, 0., 200.}, {"leading"}, "", byEvent);
      auto index = sim.Sum<ROOT::RVec<short>>("FlashJet_genJetIdx");
      auto count = sim.Count();
      numbers.Add(*one);
      numbers.Add(*two);
      numbers.Add(*jets);
      numbers.Add(*events);
      numbers.Add(static_cast<double>(*index));
      numbers.Add(static_cast<double>(*count));
   }
   numbers.Add(*upstream);
   return numbers;
}

/// The same in one entry for each GEN event.
Numbers RunInline(const std::vector<std::string> &files, const std::string &flow)
{
   using ROOT::RVecF;
   const std::vector<std::string> context{"GenJet_pt",   "GenJet_eta",           "GenJet_phi",
                                          "GenJet_mass", "GenJet_partonFlavour", "GenJet_nMuon"};
   const FlashSim::InlineFolds folds(std::make_shared<const FlashSim::Flow>(flow), context, 3, 1, 1);
   auto leading =
       ROOT::RDataFrame("Events", files)
           .Filter([](ULong64_t event) { return event % 20 == 0; }, {"event"})
           .Define("context", FlashSim::PackContext<RVecF, RVecF, RVecF, RVecF, ROOT::RVec<short>, ROOT::RVec<UChar_t>>,
                   context)
           .Define("identity",
                   [](UInt_t run, UInt_t block, ULong64_t event) { return FlashSim::PackIdentity(run, block, event); },
                   {"run", "luminosityBlock", "event"})
           .Define("sample", folds, {"context", "identity"})
           .Define("leading",
                   [](const FlashSim::InlineSample &sample) {
                      RVecF values;
                      for (const auto &pt : sample.GetTarget<float>(0))
                         values.push_back(pt.empty() ? 0.f : pt[0]);
                      return values;
                   },
                   {"sample"});
   FoldOptions options;
   options.fEvent.clear();
   auto histogram = FlashSim::BookOversampled<FlashSim::OversampledTH1D, RVecF>(leading, {"h", "", 40, 0., 400.},
                                                                                {"leading"}, "", options);
   histogram.OnPartialResultSlot(10, [](unsigned int, FlashSim::OversampledTH1D &partial) { partial.GetNGenEvents(); });
   Numbers numbers;
   numbers.Add(*histogram);
   return numbers;
}

Numbers Run(const std::vector<std::string> &files, const std::string &flow)
{
   auto numbers = RunLookAhead(files, flow);
   for (const auto value : RunInline(files, flow).fValues)
      numbers.Add(value);
   return numbers;
}

using Dataset = std::vector<std::string>;

/// The first events as a TTree of small clusters, as a chain, and as an RNTuple.
std::vector<Dataset> MakeDatasets(const std::string &gen, const std::filesystem::path &folder)
{
   const auto write = [&](ULong64_t begin, ULong64_t end, const std::string &name,
                          ROOT::RDF::ESnapshotOutputFormat format) {
      const auto path = (folder / name).string();
      ROOT::RDF::RSnapshotOptions options;
      options.fOutputFormat = format;
      if (format == ROOT::RDF::ESnapshotOutputFormat::kTTree)
         options.fAutoFlush = 100;
      ROOT::RDataFrame("Events", gen)
          .Range(begin, end)
          .Snapshot("Events", path, "run|luminosityBlock|event|genWeight|GenJet_.*", options);
      return path;
   };
   using ROOT::RDF::ESnapshotOutputFormat;
   return {{write(0, 1200, "tree.root", ESnapshotOutputFormat::kTTree)},
           {write(0, 700, "z.root", ESnapshotOutputFormat::kTTree),
            write(700, 1200, "a.root", ESnapshotOutputFormat::kTTree)},
           {write(0, 1200, "ntuple.root", ESnapshotOutputFormat::kRNTuple)}};
}

bool AreSame(const std::vector<double> &values, const std::vector<double> &expected)
{
   for (std::size_t i = 0; i < expected.size(); ++i) {
      if (std::abs(values[i] - expected[i]) > 1e-6 * std::abs(expected[i]) + 1e-9) {
         std::cerr << "number " << i << " is " << values[i] << " with several threads, " << expected[i]
                   << " with one\n";
         return false;
      }
   }
   return values.size() == expected.size();
}

} // namespace

int main(int argc, char **argv)
{
   if (argc != 3) {
      std::cerr << "usage: " << argv[0] << " gen.root flow.onnx\n";
      return 2;
   }
   const auto folder = std::filesystem::temp_directory_path() / ("flashsim-threads-" + std::to_string(::getpid()));
   int status = 0;
   try {
      std::filesystem::create_directory(folder);
      const auto datasets = MakeDatasets(argv[1], folder);
      std::vector<Numbers> expected;
      for (const auto &files : datasets)
         expected.push_back(Run(files, argv[2]));
      ROOT::EnableImplicitMT(kThreads);
      for (std::size_t i = 0; i < datasets.size(); ++i) {
         nParallel = 0;
         if (!AreSame(Run(datasets[i], argv[2]).fValues, expected[i].fValues))
            status = 1;
         if (nParallel == 0) {
            std::cerr << "RDataFrame does not start its tasks by TThreadExecutor::ParallelFor: nothing was looked at\n";
            status = 1;
         }
      }
      std::cout << expected[0].fValues.size() << " numbers of each dataset with one and with " << kThreads
                << " threads\n";
   } catch (const std::exception &error) {
      std::cerr << error.what() << "\n";
      status = 1;
   }
   std::filesystem::remove_all(folder);
   return status;
}
