// Part of FlashSim for RDataFrame.
#ifndef FLASHSIM_OPENEDMODEL
#define FLASHSIM_OPENEDMODEL

#include "FlashSim/FlowContract.hxx"
#include "FlashSim/flow/ClipCounts.hxx"
#include "FlashSim/flow/RowIndependence.hxx"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace FlashSim {

class Model;

/// \brief The common part of Flow and ProbabilityModel: an ONNX file, checked against its checksum and its contract.
///
/// All const methods may be called from several threads at once.
class OpenedModel {
public:
   OpenedModel(const OpenedModel &) = delete;
   OpenedModel &operator=(const OpenedModel &) = delete;

   const FlowContract &GetContract() const;
   const std::string &GetPath() const;

   /// Files that hold weights, relative to the folder of the model; empty if all are inside the model.
   const std::vector<std::string> &GetDataFiles() const;

   /// \brief Compares the outputs for a few rows in batches of several sizes, as the model's first use does.
   ///
   /// Costs a few evaluations the first time, nothing later.
   /// \param[in] n number of rows of `context`, may be 0
   /// \param[in] context float[n, C]: some of these rows are used, beside others inside the contract's ranges
   /// \throws std::runtime_error naming the output if a row's result depends on other rows, or on chance
   ERowIndependence CheckRows(std::size_t n, const float *context) const;

   /// Key of the random numbers that are drawn for the model, different for each model that is used for a GEN event: a
   /// hash of its name. A retrained model gets the same numbers.
   std::uint64_t GetNoiseKey() const;

   /// Number of clipped values of each variable since the model was opened, by variable as in "context pt" or
   /// "target btag"; see EOutOfRange.
   ClipCounts &GetClipCounts() const { return fClipCounts; }

protected:
   explicit OpenedModel(const std::string &path);
   ~OpenedModel();

   const Model &GetModel() const { return *fModel; }

private:
   std::unique_ptr<const Model> fModel; //!
   mutable ClipCounts fClipCounts;      //!
};

} // namespace FlashSim

#endif
