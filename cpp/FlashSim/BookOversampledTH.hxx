// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_BOOKOVERSAMPLEDTH
#define FLASHSIM_BOOKOVERSAMPLEDTH

#include "FlashSim/OversampledTH1.hxx"
#include "FlashSim/OversampledTH2.hxx"
#include "FlashSim/OversampledTH3.hxx"
#include "FlashSim/booking/FillColumns.hxx"
#include "FlashSim/booking/OversampledTHAction.hxx"
#include "FlashSim/histograms/ForEachOversampledTH.hxx"

#include <ROOT/RDF/HistoModels.hxx>
#include <ROOT/RDF/RInterface.hxx>
#include <ROOT/RResultPtr.hxx>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace FlashSim {

/// \cond
namespace Booking {

/// An empty histogram and the columns that will fill it.
template <typename Histogram>
struct Request {
   Request(ROOT::RDF::RNode node, const typename Histogram::Model_t &model, const std::vector<std::string> &values,
           const std::string &weight, const FoldOptions &options);

   std::shared_ptr<Histogram> fResult;
   std::shared_ptr<const FillColumns> fColumns;
};

/// Books with columns of these types; without types, just-in-time compilation finds them.
template <typename Histogram, typename... ColumnTypes>
ROOT::RDF::RResultPtr<Histogram> Book(ROOT::RDF::RNode node, const Request<Histogram> &request)
{
   return node.template Book<ColumnTypes...>(
       OversampledTHAction<Histogram>(request.fResult, request.fColumns, node.GetNSlots()),
       request.fColumns->GetNames());
}

/// \name BookOversampled() for Python, where errors of templates are hard to read
/// \{
#define FLASHSIM_BOOK(DIMENSION, PRECISION)                                                                            \
   ROOT::RDF::RResultPtr<OversampledTH##DIMENSION##PRECISION> BookTH##DIMENSION##PRECISION(                            \
       ROOT::RDF::RNode node, const ROOT::RDF::TH##DIMENSION##DModel &model, const std::vector<std::string> &values,   \
       const std::string &weight, const FoldOptions &options);
FLASHSIM_FOR_EACH_OVERSAMPLEDTH(FLASHSIM_BOOK)
#undef FLASHSIM_BOOK
/// \}

} // namespace Booking
/// \endcond

/// \brief Books a histogram whose errors are right when several RECO events were made from each GEN event.
/// \tparam Histogram OversampledTH1D, OversampledTH1F, OversampledTH2D, ...
/// \param[in] node any node of a computation graph
/// \param[in] model name, title and binning
/// \param[in] values columns to histogram, one for each axis: numbers, or RVecs of numbers that fill one by one
/// \param[in] weight column of weights, an RVec of them, or empty for weights of 1
/// \param[in] options columns of the GEN event and its fold size, and whether to keep the covariance of bins
/// \return the histogram to be filled. Lazy: as for Histo1D, the event loop starts at the first access
/// \throws std::runtime_error if a column does not exist; std::invalid_argument if the model has no bins or no limits,
/// or too many bins for a covariance (PairSums::kMaxCells, under- and overflow included)
///
/// **With columns of GEN events**, one entry is one RECO event; an RVec holds the values of one RECO event, of its jets
/// for example. The entries of a GEN event follow one another, each with the N of this GEN event; those that a Filter
/// has dropped count in N. GEN events are identified uniquely in the dataset, by one column or several together.
/// Entries of a GEN event may be split between files, clusters and threads. A GEN event that appears again after others
/// is an error (SeenEvents describes the limits of this check): for entries in any order, as Snapshot with several
/// threads writes them, set FoldOptions::fContiguous to false.
///
/// **Groups of GEN events** that are not independent (an NLO generator's event and its counter-events, with one event
/// number) count as one GEN event: FoldOptions::fGroup identifies them in the place of fEvent. RECO events of the same
/// fold index, which FoldOptions::fFoldIndex gives, count as one; N is the same for the whole group.
///
/// **Inline mode** (no such column): one entry is one GEN event, and the value is an RVec with one element for each
/// RECO event. N is its size; if elements were masked away, a column of fold sizes or a constant must give N.
///
/// A number among values and weight holds for all elements of the RVecs among them, which are of the same size.
///
/// Errors while the loop runs (std::runtime_error): a weight that is not finite, N below 1 or not the same within a GEN
/// event, more RECO events than N, a GEN event that appears again, RVecs of different sizes, columns of wrong types.
/// Faults that are found only when all threads have ended (a GEN event in two of them) make all contents NaN and print
/// an error, since RDataFrame cannot throw then.
///
/// OversampledTH describes the result, FoldAccumulator the formulas. VariationsFor() and OnPartialResult() work as for
/// Histo1D. The most common types, and any types in the overload below, need no just-in-time compilation.
///
/// ~~~{.cpp}
/// ROOT::RDataFrame simulated("Events", "simulated.root"); // with columns run, event and foldSize
/// FlashSim::FoldOptions options;
/// options.fEvent = {"run", "event"};
/// auto h = FlashSim::BookOversampled<FlashSim::OversampledTH2F>(simulated, {"h", "", 50, 0., 250., 5, -2.5, 2.5},
///                                                               {"Jet_pt", "Jet_eta"}, "", options);
/// h->Draw("colz");
/// ~~~
template <typename Histogram>
ROOT::RDF::RResultPtr<Histogram> BookOversampled(ROOT::RDF::RNode node, const typename Histogram::Model_t &model,
                                                 const std::vector<std::string> &values, const std::string &weight = "",
                                                 const FoldOptions &options = {});

/// \brief The same for any types of columns without just-in-time compilation.
/// \tparam FirstColumn type of the first value
/// \tparam OtherColumns types of the other values, weight, event (or group), fold size and fold index, as far as they
///         are columns
///
/// ~~~{.cpp}
/// auto h = FlashSim::BookOversampled<FlashSim::OversampledTH1D, ROOT::RVecF, ULong64_t, int>(
///    node, {"pt", "", 50, 0., 250.}, {"Jet_pt"});
/// ~~~
template <typename Histogram, typename FirstColumn, typename... OtherColumns>
ROOT::RDF::RResultPtr<Histogram> BookOversampled(ROOT::RDF::RNode node, const typename Histogram::Model_t &model,
                                                 const std::vector<std::string> &values, const std::string &weight = "",
                                                 const FoldOptions &options = {})
{
   const Booking::Request<Histogram> request(node, model, values, weight, options);
   return Booking::Book<Histogram, FirstColumn, OtherColumns...>(std::move(node), request);
}

/// BookOversampled() of a one-dimensional histogram.
///
/// ~~~{.cpp}
/// auto h = FlashSim::BookOversampledTH1D(simulated.Filter("nJet >= 2"), {"pt", ";p_{T}", 50, 0., 250.}, "Jet_pt");
/// ~~~
inline ROOT::RDF::RResultPtr<OversampledTH1D>
BookOversampledTH1D(ROOT::RDF::RNode node, const ROOT::RDF::TH1DModel &model, const std::string &value,
                    const std::string &weight = "", const FoldOptions &options = {})
{
   return BookOversampled<OversampledTH1D>(std::move(node), model, {value}, weight, options);
}

/// BookOversampled() of a two-dimensional histogram.
inline ROOT::RDF::RResultPtr<OversampledTH2D>
BookOversampledTH2D(ROOT::RDF::RNode node, const ROOT::RDF::TH2DModel &model, const std::string &x,
                    const std::string &y, const std::string &weight = "", const FoldOptions &options = {})
{
   return BookOversampled<OversampledTH2D>(std::move(node), model, {x, y}, weight, options);
}

/// BookOversampled() of a three-dimensional histogram.
inline ROOT::RDF::RResultPtr<OversampledTH3D> BookOversampledTH3D(ROOT::RDF::RNode node,
                                                                  const ROOT::RDF::TH3DModel &model,
                                                                  const std::string &x, const std::string &y,
                                                                  const std::string &z, const std::string &weight = "",
                                                                  const FoldOptions &options = {})
{
   return BookOversampled<OversampledTH3D>(std::move(node), model, {x, y, z}, weight, options);
}

} // namespace FlashSim

#endif
